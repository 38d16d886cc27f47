package import Wire

/// A validated frame, owning its bytes.
package struct InboundFrame: ~Copyable {
  package let header: FrameHeader
  let message: ZMQMessage

  /// The bytes after the header.
  package var payload: RawSpan {
    @_lifetime(borrow self)
    borrowing get {
      let bytes = unsafe message.bytes.bytes.extracting(FrameHeader.byteCount..<message.byteCount)
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
