/// Qwen 3 mixture of experts: Qwen 3's attention; some or all layers route to experts by a softmax over all
/// of them.
enum Qwen3MoE {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults()
    var config = try ModelConfig.common(&fields, .qwen3MoE, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta)
    try Qwen3.attention(&fields, &config)
    let window = try Qwen2.switchableWindow(&fields)
    fields.accept(["max_window_layers"])
    config.slidingWindows = Array(repeating: window, count: config.numLayers)

    let numExperts = try MoEConfig.expertCount(&fields)
    let isSparse = try MoEConfig.periodicLayers(&fields, numLayers: config.numLayers)
    let moe = MoEConfig(
      numExperts: numExperts,
      numExpertsPerToken: try fields.requiredInteger("num_experts_per_tok", in: ModelLimits.experts),
      intermediateSize: try fields.requiredInteger(
        "moe_intermediate_size", in: ModelLimits.intermediateSize),
      normalizeTopK: try fields.bool("norm_topk_prob") ?? false, isSparse: isSparse)
    config.moe = isSparse.contains(true) ? moe : nil
    return config
  }
}
