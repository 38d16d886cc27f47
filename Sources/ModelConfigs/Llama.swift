/// Llama 1 to 3.x and the many models that share its class: grouped-query attention, SiLU-gated MLP, optional
/// biases.
enum Llama {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults(maxPositions: 2048, bosTokenID: 1, eosTokenIDs: [2])
    var config = try ModelConfig.common(&fields, .llama, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta)
    let attentionBias = try fields.bool("attention_bias") ?? false
    config.queryKeyValueBias = attentionBias
    config.outputBias = attentionBias
    config.mlpBias = try fields.bool("mlp_bias") ?? false
    return config
  }
}
