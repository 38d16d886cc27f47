/// GLM 4.5 mixture of experts: half of each head rotated, optional head norms, the first layers dense, and
/// DeepSeek-V3's router and shared experts.
enum Glm4MoE {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults(epsilon: 1e-5, maxPositions: 131_072)
    var config = try ModelConfig.common(&fields, .glm4MoE, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta, defaultPartial: 0.5)
    config.queryKeyValueBias = try fields.bool("attention_bias") ?? false
    config.queryKeyNorm = try fields.bool("use_qk_norm") ?? false
    // Layers that only speculative decoding uses; they stand behind the last one that is counted.
    fields.accept(["num_nextn_predict_layers", "num_mtp_layers"])
    config.moe = try MoEConfig.groupLimited(
      &fields, numLayers: config.numLayers, defaultDenseLayers: 1, defaultNormalize: true)
    return config
  }
}
