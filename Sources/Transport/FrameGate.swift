internal import Wire

/// What every link does with a frame: build it, check it, count it.
struct FrameGate {
  let rank: Int
  let worldSize: Int
  let maxPayloadBytes: Int
  let checksum: ChecksumFunction
  var epoch: Epoch
  var traffic: LinkTraffic

  init(rank: Int, worldSize: Int, epoch: Epoch, maxPayloadBytes: Int, checksum: @escaping ChecksumFunction) {
    precondition(worldSize >= 1 && rank >= 0 && rank < worldSize, "rank \(rank) of \(worldSize)")
    self.rank = rank
    self.worldSize = worldSize
    self.epoch = epoch
    self.maxPayloadBytes = maxPayloadBytes
    self.checksum = checksum
    traffic = LinkTraffic(worldSize: worldSize)
  }

  /// Payload bytes of `pieces`, within the limit.
  func payloadBytes(_ target: FrameTarget, _ pieces: Span<MemoryPiece>) throws(TransportError) -> Int {
    var payloadBytes = 0
    for index in pieces.indices { payloadBytes += pieces[index].byteCount }
    guard payloadBytes <= maxPayloadBytes else {
      throw TransportError(
        .messageTooLarge,
        "a frame of \(payloadBytes) bytes to rank \(target.peer) is over the limit of \(maxPayloadBytes): "
          + "lower --max-num-batched-tokens", peer: target.peer)
    }
    return payloadBytes
  }

  /// Makes `message` the finished frame for `target`, not yet counted.
  func build(
    _ message: inout ZMQMessage, _ target: FrameTarget, _ pieces: Span<MemoryPiece>, of memory: RawSpan,
    hold: FrameHeader.Hold = .none
  ) throws(TransportError) {
    try message.reset(byteCount: FrameHeader.byteCount + payloadBytes(target, pieces))
    var frame = message.mutableBytes
    fill(&frame, target, pieces, of: memory, hold: hold)
  }

  /// Writes header and payload into `frame`, which has exactly their size.
  func fill(
    _ frame: inout MutableSpan<UInt8>, _ target: FrameTarget, _ pieces: Span<MemoryPiece>, of memory: RawSpan,
    flags: UInt32 = 0, hold: FrameHeader.Hold = .none
  ) {
    var place = FrameHeader.byteCount
    for index in pieces.indices {
      let piece = pieces[index]
      let source = memory.extracting(piece.offset..<(piece.offset + piece.byteCount))
      unsafe source.withUnsafeBytes { source in
        unsafe frame.withUnsafeMutableBytes { frame in
          unsafe UnsafeMutableRawBufferPointer(rebasing: frame[place..<(place + source.count)])
            .copyMemory(from: source)
        }
      }
      place += piece.byteCount
    }
    var header = FrameHeader(
      kind: target.kind, epoch: epoch, step: target.step, sequence: target.sequence, round: target.round,
      source: UInt32(rank), destination: UInt32(target.peer), payloadBytes: place - FrameHeader.byteCount)
    header.flags = flags
    header.hold = hold
    header.encode(into: &frame, checksum: checksum)
  }

  mutating func countSent(to peer: Int, frameBytes: Int) {
    traffic.sent[peer].frames += 1
    traffic.sent[peer].payloadBytes += frameBytes - FrameHeader.byteCount
  }

  /// The header of a frame that this rank takes, or nil for one of another epoch.
  mutating func admit(_ message: borrowing ZMQMessage) throws(TransportError) -> FrameHeader? {
    do throws(FrameError) {
      return try admit(message.bytes)
    } catch {
      throw malformed(error, address: message.peerAddress)
    }
  }

  /// The same for the bytes of a frame, wherever they lie.
  mutating func admit(_ frame: Span<UInt8>) throws(FrameError) -> FrameHeader? {
    let header = try FrameHeader(decoding: frame, maxPayloadBytes: maxPayloadBytes, checksum: checksum)
    guard header.source < UInt32(worldSize), header.source != UInt32(rank) else {
      throw FrameError(.impossibleSource(header.source), claimedSource: header.source)
    }
    guard header.destination == UInt32(rank) else {
      throw FrameError(
        .otherDestination(header.destination, here: UInt32(rank)), claimedSource: header.source)
    }
    guard header.epoch == epoch else {
      if header.epoch < epoch { traffic.staleFramesDropped += 1 } else { traffic.futureFramesDropped += 1 }
      return nil
    }
    let source = Int(header.source)
    traffic.received[source].frames += 1
    traffic.received[source].payloadBytes += header.payloadBytes
    return header
  }

  /// Counts a frame that cannot be read and names its claimed sender.
  mutating func malformed(_ error: FrameError, address: String? = nil) -> TransportError {
    traffic.malformedFrames += 1
    let peer = error.claimedSource.flatMap { $0 < UInt32(worldSize) ? Int($0) : nil }
    let place = address.map { " (from \($0))" } ?? ""
    return TransportError(.malformedFrame, "\(error)\(place)", peer: peer, frame: error)
  }
}
