import Tensors

/// Stored elements as f32, exactly.
///
/// WHY integer arithmetic for binary16: without the F16C instructions, which only the kernel rooms are
/// compiled for, `Float16` conversion is a library call.
enum Widening {
  static func element(_ bytes: RawSpan, at offset: Int, _ dtype: DType) -> Float {
    switch dtype {
    case .bf16:
      return BFloat16(bits: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)).float
    case .f16:
      return binary16(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    case .f32:
      return Float(bitPattern: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    case .i32:
      return Float(unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: Int32.self))
    }
  }

  /// IEEE binary16 to binary32.
  static func binary16(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits) & 0x3FF
    switch exponent {
    case 0: return Float(sign: sign == 0 ? .plus : .minus, exponent: -24, significand: Float(fraction))
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13 | (fraction == 0 ? 0 : 0x40_0000))
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
