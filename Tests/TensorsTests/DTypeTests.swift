import Tensors
import Testing

@Test("every bf16 pattern survives the way to float and back")
func bfloat16RoundTrip() {
  for bits in UInt16.min...UInt16.max {
    let value = BFloat16(bits: bits)
    if value.float.isNaN {
      #expect(BFloat16(value.float).float.isNaN)
    } else {
      #expect(BFloat16(value.float) == value)
    }
  }
}

@Test("rounding goes to the nearest value, ties to even")
func bfloat16Rounding() {
  #expect(BFloat16(Float(bitPattern: 0x3F80_8000)).bits == 0x3F80)
  #expect(BFloat16(Float(bitPattern: 0x3F81_8000)).bits == 0x3F82)
  #expect(BFloat16(Float(bitPattern: 0x3F80_8001)).bits == 0x3F81)
  #expect(BFloat16(Float.greatestFiniteMagnitude).float == .infinity)
}
