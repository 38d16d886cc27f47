internal import Transport

/// Bytes that go to or come from one peer: a range of the workspace.
package struct Transfer: Sendable, Hashable, BitwiseCopyable {
  /// World rank.
  package var peer: Int
  package var byteOffset: Int
  package var byteCount: Int

  package init(peer: Int, byteOffset: Int, byteCount: Int) {
    precondition(peer >= 0 && byteOffset >= 0 && byteCount >= 0, "peer \(peer), \(byteOffset) + \(byteCount)")
    self.peer = peer
    self.byteOffset = byteOffset
    self.byteCount = byteCount
  }
}

/// What one rank sends and receives in one exchange: exactly one frame to or from each peer named.
///
/// Several transfers of one peer share its frame, in the order given. A transfer of no bytes still makes a frame.
/// Plans are made once and used for many steps; making one allocates, using it does not.
package struct ExchangePlan: Sendable, Hashable {
  /// One frame: its peer, its pieces and its payload bytes.
  package struct Frame: Sendable, Hashable {
    package let peer: Int
    package let pieces: Range<Int>
    package let byteCount: Int
  }

  /// Whether a received frame must have exactly the planned size, or may have fewer bytes.
  package enum ReceiveSizes: Sendable, Hashable {
    case exact
    /// The planned size is the room there is; one transfer for each peer. For data-dependent dispatch.
    case upTo
  }

  package let sends: [Frame]
  package let receives: [Frame]
  package let receiveSizes: ReceiveSizes
  let sendPieces: [MemoryPiece]
  let receivePieces: [MemoryPiece]
  /// Bytes of workspace that the plan reaches.
  package let memoryBytes: Int

  package init(sends: [Transfer], receives: [Transfer], receiveSizes: ReceiveSizes = .exact) {
    (self.sends, sendPieces) = ExchangePlan.group(sends)
    (self.receives, receivePieces) = ExchangePlan.group(receives)
    self.receiveSizes = receiveSizes
    precondition(
      receiveSizes == .exact || self.receives.allSatisfy { $0.pieces.count == 1 },
      "a frame of variable size needs one contiguous place")
    memoryBytes = (sends + receives).reduce(0) { max($0, $1.byteOffset + $1.byteCount) }
  }

  /// Frames and payload bytes that `rank` sends: what its link's counters rise by.
  package func cost(of rank: Int) -> CollectiveCost {
    let frames = sends.filter { $0.peer != rank }
    return CollectiveCost(
      rounds: 1, messages: frames.count, payloadBytes: frames.reduce(0) { $0 + $1.byteCount })
  }

  /// Transfers by peer, peers in order of their first transfer.
  private static func group(_ transfers: [Transfer]) -> ([Frame], [MemoryPiece]) {
    var order: [Int] = []
    var byPeer: [Int: [MemoryPiece]] = [:]
    for transfer in transfers {
      if byPeer[transfer.peer] == nil { order.append(transfer.peer) }
      byPeer[transfer.peer, default: []].append(
        MemoryPiece(offset: transfer.byteOffset, byteCount: transfer.byteCount))
    }
    var frames: [Frame] = []
    var pieces: [MemoryPiece] = []
    for peer in order {
      let own = byPeer[peer, default: []]
      let byteCount = own.reduce(0) { $0 + $1.byteCount }
      frames.append(
        Frame(peer: peer, pieces: pieces.count..<(pieces.count + own.count), byteCount: byteCount))
      pieces += own
    }
    return (frames, pieces)
  }
}
