package import Tensors

/// Element types that a safetensors header may name, whether or not the engine computes with them.
struct StoredDType: Hashable {
  let name: String
  let bitCount: Int

  /// Nil for a name that the format does not have.
  init?(_ name: String) {
    guard let bitCount = Self.bitCounts[name] else { return nil }
    self.name = name
    self.bitCount = bitCount
  }

  private static let bitCounts: [String: Int] = [
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
  ]
}

extension DType {
  /// Types that weights may be stored as.
  package var holdsWeights: Bool { self == .bf16 || self == .f16 || self == .f32 }
}
