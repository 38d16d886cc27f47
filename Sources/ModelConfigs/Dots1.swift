/// dots.llm1: Qwen 3's attention with a window on the upper layers, the first layers dense, and DeepSeek-V3's
/// router and shared experts.
enum Dots1 {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults(maxPositions: 2048)
    var config = try ModelConfig.common(&fields, .dots1, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta)
    try Qwen3.attention(&fields, &config)
    let written = fields.isWritten("sliding_window")
    let window = try fields.integer("sliding_window", in: 1...ModelLimits.maxPositions)
    let firstSliding = try fields.integer("max_window_layers", in: 0...ModelLimits.maxPositions) ?? 62
    config.slidingWindows = try ModelConfig.windows(
      &fields, numLayers: config.numLayers, window: written ? window : 4096,
      isSliding: { $0 >= firstSliding })
    config.moe = try MoEConfig.groupLimited(
      &fields, numLayers: config.numLayers, defaultDenseLayers: 0, defaultNormalize: false)
    return config
  }
}
