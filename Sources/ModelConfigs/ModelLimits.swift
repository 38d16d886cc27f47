/// Bounds of sizes in a model configuration: generous for real models, small enough that no product
/// overflows.
enum ModelLimits {
  static let hiddenSize = 1...262_144
  static let layers = 1...4096
  static let heads = 1...8192
  static let headDim = 2...4096
  static let intermediateSize = 1...4_194_304
  static let vocabSize = 1...16_777_216
  static let experts = 1...16_384
  static let maxPositions = 268_435_456
  /// All together; keeps every byte count far below the range of a 64-bit integer.
  static let parameters = 1e14
}
