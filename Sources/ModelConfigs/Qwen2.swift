/// Qwen 1.5, 2 and 2.5: Llama with biases on query, key and value; a window on the upper layers only if
/// switched on.
enum Qwen2 {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults()
    var config = try ModelConfig.common(&fields, .qwen2, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta)
    config.queryKeyValueBias = true
    if let bias = try fields.bool("qkv_bias"), !bias {
      throw ModelConfigError(
        "\(fields.place): qkv_bias is false; in this family query, key and value have biases")
    }
    config.slidingWindows = try upperWindows(&fields, numLayers: config.numLayers)
    return config
  }

  /// Layers from `max_window_layers` on slide when `use_sliding_window` is true; Qwen 3 has the same rule.
  static func upperWindows(
    _ fields: inout ConfigFields, numLayers: Int
  ) throws(ModelConfigError) -> [Int?] {
    let window = try switchableWindow(&fields)
    let firstSliding = try fields.integer("max_window_layers", in: 0...ModelLimits.maxPositions) ?? 28
    return try ModelConfig.windows(
      &fields, numLayers: numLayers, window: window, isSliding: { $0 >= firstSliding })
  }

  /// `sliding_window` counts only when `use_sliding_window` is true; left out it is 4096.
  static func switchableWindow(_ fields: inout ConfigFields) throws(ModelConfigError) -> Int? {
    let isOn = try fields.bool("use_sliding_window") ?? false
    guard isOn else {
      fields.accept(["sliding_window"])
      return nil
    }
    let written = fields.isWritten("sliding_window")
    let window = try fields.integer("sliding_window", in: 1...ModelLimits.maxPositions)
    return written ? window : 4096
  }
}
