/// Element types that a checkpoint may store and that the engine computes with.
///
/// Names follow the safetensors header (`BF16`, `F16`, `F32`, ...).
package enum DType: String, Sendable, CaseIterable {
  case bf16 = "BF16"
  case f16 = "F16"
  case f32 = "F32"
  case i32 = "I32"

  /// Bytes of one element.
  package var byteCount: Int {
    switch self {
    case .bf16, .f16: 2
    case .f32, .i32: 4
    }
  }
}

/// bfloat16 as stored: the upper half of an IEEE binary32.
package struct BFloat16: Sendable, Hashable, BitwiseCopyable {
  package var bits: UInt16

  @inlinable
  package init(bits: UInt16) { self.bits = bits }

  /// Rounds to nearest, ties to even; every NaN becomes a quiet NaN of the same sign.
  @inlinable
  package init(_ value: Float) {
    let word = value.bitPattern
    if value.isNaN {
      bits = UInt16(truncatingIfNeeded: word >> 16) | 0x0040
    } else {
      let rounded = word &+ 0x7FFF &+ ((word >> 16) & 1)
      bits = UInt16(truncatingIfNeeded: rounded >> 16)
    }
  }

  /// The exact binary32 value.
  @inlinable
  package var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}
