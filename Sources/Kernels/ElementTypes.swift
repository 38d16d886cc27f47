import Tensors

// Questions about element types that must be inlined: calls into `Tensors` are not, and comparing two values
// of an enumeration with raw strings goes through a witness table.

/// Whether elements are bfloat16.
@inline(__always)
func isBF16(_ type: DType) -> Bool {
  switch type {
  case .bf16: true
  default: false
  }
}

/// `BFloat16(value).bits`.
@inline(__always)
func bfloat16Bits(_ value: Float) -> UInt16 {
  let word = value.bitPattern
  if value != value { return UInt16(truncatingIfNeeded: word >> 16) | 0x40 }
  return UInt16(truncatingIfNeeded: (word &+ 0x7FFF &+ ((word >> 16) & 1)) >> 16)
}

/// Bytes of a stored key or value element, which also tells its type: 2 is bfloat16, 4 is f32, 1 is a signed
/// byte.
@inline(__always)
func elementBytes(_ format: KVFormat) -> Int {
  switch format {
  case .bf16: 2
  case .f32: 4
  case .q8: 1
  }
}
