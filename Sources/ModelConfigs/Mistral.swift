/// Mistral: Llama without biases, with a sliding window on every layer unless it is null.
enum Mistral {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults(maxPositions: 131_072, bosTokenID: 1, eosTokenIDs: [2])
    var config = try ModelConfig.common(&fields, .mistral, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta)
    // The first files of the family left the window out and meant 4096; null means none.
    let written = fields.isWritten("sliding_window")
    let window = try fields.integer("sliding_window", in: 1...ModelLimits.maxPositions)
    let effective = written ? window : 4096
    config.slidingWindows = try ModelConfig.windows(
      &fields, numLayers: config.numLayers, window: effective, isSliding: { _ in true })
    guard config.slidingWindows.allSatisfy({ $0 == effective }) else {
      throw ModelConfigError(
        "\(fields.place): layer_types disagrees with sliding_window; in this family all layers have the same window"
      )
    }
    return config
  }
}
