import Parsing

/// The text part of Gemma 3: weights-plus-one norms on both sides of each block, scaled embeddings, windows
/// with their own rotary base on most layers.
enum Gemma3Text {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults(
      theta: 1_000_000, maxPositions: 131_072, bosTokenID: 2, eosTokenIDs: [1], tieWordEmbeddings: true,
      headDim: 256, activationKey: "hidden_activation", activation: .geluTanh)
    var config = try ModelConfig.common(&fields, .gemma3Text, architecture, defaults)
    config.queryKeyNorm = true
    config.normWeightOffset = 1
    config.sandwichNorms = true
    config.embeddingScale = Double(config.hiddenSize).squareRoot()
    let bias = try fields.bool("attention_bias") ?? false
    config.queryKeyValueBias = bias
    config.outputBias = bias
    let scalar = try fields.number("query_pre_attn_scalar", in: 1e-3...1e6) ?? 256
    config.attentionScale = 1 / scalar.squareRoot()
    // Written by files of this family, but only Gemma 2 computes with it.
    fields.accept(["attn_logit_softcapping"])
    config.logitSoftcap = try softcap(&fields, "final_logit_softcapping")
    if try fields.bool("use_bidirectional_attention") ?? false {
      throw ModelConfigError(
        "\(fields.place): use_bidirectional_attention is true; a decoder needs causal attention")
    }
    let written = fields.isWritten("sliding_window")
    let window = try fields.integer("sliding_window", in: 1...ModelLimits.maxPositions)
    let newPattern = try fields.integer("sliding_window_pattern", in: ModelLimits.layers)
    let oldPattern = try fields.integer("_sliding_window_pattern", in: ModelLimits.layers)
    let pattern = newPattern ?? oldPattern ?? 6
    config.slidingWindows = try ModelConfig.windows(
      &fields, numLayers: config.numLayers, window: written ? window : 4096,
      isSliding: { ($0 + 1) % pattern != 0 })
    try ropes(&fields, &config, defaults)
    return config
  }

  private static func softcap(
    _ fields: inout ConfigFields, _ key: String
  ) throws(ModelConfigError) -> Double? {
    guard let cap = try fields.number(key, in: 0...1e6), cap > 0 else { return nil }
    return cap
  }

  /// Older files: `rope_theta` and `rope_scaling` for full layers, `rope_local_base_freq` for sliding ones.
  /// Newer files: one object for each kind of layer inside `rope_parameters`.
  private static func ropes(
    _ fields: inout ConfigFields, _ config: inout ModelConfig, _ defaults: FamilyDefaults
  ) throws(ModelConfigError) {
    let positions = config.maxPositionEmbeddings
    let localTheta = try fields.number("rope_local_base_freq", in: 1.001...1e15) ?? 10_000
    guard
      fields.object["rope_parameters"]?["full_attention"] != nil
        || fields.object["rope_parameters"]?["sliding_attention"] != nil,
      var parameters = try fields.fields("rope_parameters")
    else {
      config.rope = try RopeParameters.read(&fields, maxPositions: positions, defaultTheta: defaults.theta)
      config.localRope = RopeParameters(theta: localTheta)
      return
    }
    let theta = try fields.number("rope_theta", in: 1.001...1e15) ?? defaults.theta
    config.rope = RopeParameters(theta: theta)
    config.localRope = RopeParameters(theta: localTheta)
    if var full = try parameters.fields("full_attention") {
      config.rope = try RopeParameters.read(
        inside: &full, maxPositions: positions, originalMaxPositions: nil, theta: theta, partial: nil)
    }
    if var sliding = try parameters.fields("sliding_attention") {
      config.localRope = try RopeParameters.read(
        inside: &sliding, maxPositions: positions, originalMaxPositions: nil, theta: localTheta, partial: nil)
    }
    try parameters.refuseUnknown(harmless: [], modelName: "rope_parameters")
  }
}
