package import Wire

/// A validated frame, owning its bytes: a ZeroMQ message, or a place in shared memory that is given back in the end.
@safe package struct InboundFrame: ~Copyable {
  package let header: FrameHeader
  @unsafe private let start: UnsafeRawPointer
  private let byteCount: Int
  private let owner: Owner

  private enum Owner: ~Copyable {
    case message(ZMQMessage)
    case shared(SharedFrame)
  }

  // NOTE: the bytes of both owners stay where they are while the owner lives, so a pointer taken first is good.
  init(header: FrameHeader, message: consuming ZMQMessage) {
    self.header = header
    let bytes = unsafe message.content
    unsafe start = unsafe UnsafeRawPointer(bytes.baseAddress!) + FrameHeader.byteCount
    byteCount = bytes.count - FrameHeader.byteCount
    owner = .message(message)
  }

  init(header: FrameHeader, shared: consuming SharedFrame) {
    self.header = header
    let bytes = unsafe shared.ring.bytes(shared.place)
    unsafe start = unsafe UnsafeRawPointer(bytes.baseAddress!) + FrameHeader.byteCount
    byteCount = bytes.count - FrameHeader.byteCount
    owner = .shared(shared)
  }

  /// The bytes after the header.
  package var payload: RawSpan {
    @_lifetime(borrow self)
    borrowing get {
      let bytes = unsafe RawSpan(_unsafeStart: start, byteCount: byteCount)
      return unsafe _overrideLifetime(bytes, borrowing: self)
    }
  }

  /// The payload as an array, for messages that outlive their frame.
  package func copyPayload() -> [UInt8] {
    unsafe payload.withUnsafeBytes { unsafe Array($0) }
  }

  /// Copies `byteCount` payload bytes from `payloadOffset` on to `memoryOffset` of `memory`.
  package func copyPayload(
    from payloadOffset: Int, byteCount: Int, to memoryOffset: Int, of memory: inout MutableRawSpan
  ) {
    let source = payload.extracting(payloadOffset..<(payloadOffset + byteCount))
    unsafe source.withUnsafeBytes { source in
      unsafe memory.withUnsafeMutableBytes { memory in
        unsafe UnsafeMutableRawBufferPointer(rebasing: memory[memoryOffset..<(memoryOffset + byteCount)])
          .copyMemory(from: source)
      }
    }
  }
}
