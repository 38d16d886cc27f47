package import Wire

/// One whole message of the control plane.
package struct ControlMessage: Sendable, Hashable {
  package var kind: MessageKind
  package var epoch: Epoch
  package var step: StepNumber
  /// The body, as the codecs of `Wire` write it.
  package var payload: [UInt8]

  package init(
    kind: MessageKind, epoch: Epoch, step: StepNumber = StepNumber(rawValue: 0), payload: [UInt8] = []
  ) {
    self.kind = kind
    self.epoch = epoch
    self.step = step
    self.payload = payload
  }
}

extension ControlMessage {
  /// Largest body on the control plane: a step's requested tensors are the largest ones.
  package static let maxPayloadBytes = 64 << 20

  /// The finished frame, from `source` to `destination`.
  func frame(source: UInt32, destination: UInt32, checksum: ChecksumFunction) throws(TransportError)
    -> ZMQMessage
  {
    var message = ZMQMessage()
    try write(to: &message, source: source, destination: destination, checksum: checksum)
    return message
  }

  /// Makes `message` the finished frame.
  func write(
    to message: inout ZMQMessage, source: UInt32, destination: UInt32, checksum: ChecksumFunction
  ) throws(TransportError) {
    guard payload.count <= ControlMessage.maxPayloadBytes else {
      throw TransportError(
        .messageTooLarge,
        "a \(kind) message of \(payload.count) bytes is over the limit of \(ControlMessage.maxPayloadBytes)")
    }
    let header = FrameHeader(
      kind: kind, epoch: epoch, step: step, source: source, destination: destination,
      payloadBytes: payload.count)
    try message.reset(byteCount: FrameHeader.byteCount + payload.count)
    var frame = message.mutableBytes
    unsafe frame.withUnsafeMutableBytes { frame in
      unsafe UnsafeMutableRawBufferPointer(rebasing: frame[FrameHeader.byteCount...]).copyBytes(from: payload)
    }
    header.encode(into: &frame, checksum: checksum)
  }

  /// Reads a frame into this message, in the memory that its payload has; returns the source.
  mutating func read(_ message: borrowing ZMQMessage, checksum: ChecksumFunction) throws(FrameError) -> UInt32
  {
    let bytes = message.bytes
    let header = try FrameHeader(
      decoding: bytes, maxPayloadBytes: ControlMessage.maxPayloadBytes, checksum: checksum)
    kind = header.kind
    epoch = header.epoch
    step = header.step
    payload.removeAll(keepingCapacity: true)
    unsafe bytes.withUnsafeBytes { unsafe payload.append(contentsOf: $0.dropFirst(FrameHeader.byteCount)) }
    return header.source
  }

  /// Reads a frame; `source` comes back beside it.
  static func read(_ message: borrowing ZMQMessage, checksum: ChecksumFunction) throws(FrameError)
    -> (message: ControlMessage, source: UInt32)
  {
    var result = ControlMessage(kind: .pulse, epoch: Epoch(rawValue: 0))
    let source = try result.read(message, checksum: checksum)
    return (result, source)
  }
}
