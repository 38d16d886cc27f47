/// Qwen 3: RMS norm over every query and key head; head width is a field of its own.
enum Qwen3 {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults(headDim: 128)
    var config = try ModelConfig.common(&fields, .qwen3, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta)
    try attention(&fields, &config)
    config.slidingWindows = try Qwen2.upperWindows(&fields, numLayers: config.numLayers)
    return config
  }

  /// Head norms and the biases of all four projections, as in the mixture-of-experts sibling.
  static func attention(
    _ fields: inout ConfigFields, _ config: inout ModelConfig
  ) throws(ModelConfigError) {
    config.queryKeyNorm = true
    if let norm = try fields.bool("use_qk_norm"), !norm {
      throw ModelConfigError(
        "\(fields.place): use_qk_norm is false; this family normalizes query and key heads")
    }
    let bias = try fields.bool("attention_bias") ?? false
    config.queryKeyValueBias = bias
    config.outputBias = bias
  }
}
