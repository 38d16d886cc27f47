extension MutableSpan where Element == UInt8 {
  /// The same memory as raw bytes, exclusively.
  package var frameBytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get { unsafe mutableBytes }
  }
}

extension MutableSpan where Element == Float {
  /// The same memory as raw bytes, exclusively. Every bit pattern is a `Float`, so writing any bytes is sound.
  package var frameBytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get { unsafe mutableBytes }
  }
}

extension MutableSpan where Element == Int32 {
  /// The same memory as raw bytes, exclusively. Every bit pattern is an `Int32`, so writing any bytes is sound.
  package var frameBytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get { unsafe mutableBytes }
  }
}

extension MutableRawSpan {
  /// Copies a range of this memory to another place in it; the two may overlap.
  package mutating func moveBytes(from source: Int, to target: Int, byteCount: Int) {
    precondition(
      source >= 0 && target >= 0 && byteCount >= 0 && source <= self.byteCount - byteCount
        && target <= self.byteCount - byteCount,
      "\(byteCount) bytes from \(source) to \(target) of \(self.byteCount)")
    unsafe withUnsafeMutableBytes { memory in
      guard let base = memory.baseAddress else { return }
      unsafe (base + target).copyMemory(from: base + source, byteCount: byteCount)
    }
  }
}

extension Span where Element == UInt8 {
  /// The same memory as raw bytes.
  package var frameBytes: RawSpan {
    @_lifetime(copy self)
    get { unsafe bytes }
  }
}
