/// Qwen 1.5 and 2 mixture of experts: Qwen 2's attention, a softmax router, and beside the routed experts one
/// shared expert whose output a sigmoid of the row weighs.
enum Qwen2MoE {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults()
    var config = try ModelConfig.common(&fields, .qwen2MoE, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta)
    config.queryKeyValueBias = try fields.bool("qkv_bias") ?? true
    // Every other layer slides here, and only below the limit; in the dense sibling it is those above it.
    let window = try Qwen2.switchableWindow(&fields)
    let limit = try fields.integer("max_window_layers", in: 0...ModelLimits.maxPositions) ?? 28
    config.slidingWindows = try ModelConfig.windows(
      &fields, numLayers: config.numLayers, window: window, isSliding: { $0 % 2 == 0 && $0 < limit })

    let isSparse = try MoEConfig.periodicLayers(&fields, numLayers: config.numLayers)
    var moe = MoEConfig(
      numExperts: try MoEConfig.expertCount(&fields),
      numExpertsPerToken: try fields.integer("num_experts_per_tok", in: ModelLimits.experts) ?? 4,
      intermediateSize: try fields.requiredInteger(
        "moe_intermediate_size", in: ModelLimits.intermediateSize),
      normalizeTopK: try fields.bool("norm_topk_prob") ?? false, isSparse: isSparse)
    moe.sharedExpertIntermediateSize = try fields.requiredInteger(
      "shared_expert_intermediate_size", in: ModelLimits.intermediateSize)
    moe.sharedExpertGate = true
    config.moe = isSparse.contains(true) ? moe : nil
    return config
  }
}
