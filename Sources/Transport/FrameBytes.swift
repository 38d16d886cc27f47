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
