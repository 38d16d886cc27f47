/// Mixtral: Mistral's attention, and in every layer a softmax router over experts whose chosen weights sum to
/// one.
enum Mixtral {
  static func config(
    _ fields: inout ConfigFields, _ architecture: String
  ) throws(ModelConfigError) -> ModelConfig {
    let defaults = FamilyDefaults(
      theta: 1_000_000, epsilon: 1e-5, maxPositions: 131_072, bosTokenID: 1, eosTokenIDs: [2])
    var config = try ModelConfig.common(&fields, .mixtral, architecture, defaults)
    config.rope = try RopeParameters.read(
      &fields, maxPositions: config.maxPositionEmbeddings, defaultTheta: defaults.theta)
    let window = try fields.integer("sliding_window", in: 1...ModelLimits.maxPositions)
    config.slidingWindows = Array(repeating: window, count: config.numLayers)
    var moe = MoEConfig(
      numExperts: try MoEConfig.expertCount(&fields),
      numExpertsPerToken: try fields.requiredInteger("num_experts_per_tok", in: ModelLimits.experts),
      intermediateSize: config.intermediateSize, normalizeTopK: true,
      isSparse: Array(repeating: true, count: config.numLayers))
    moe.scoresAfterSelection = true
    config.moe = moe
    return config
  }
}

extension MoEConfig {
  /// `num_experts` and `num_local_experts` are two spellings of one number.
  static func expertCount(_ fields: inout ConfigFields) throws(ModelConfigError) -> Int {
    let local = try fields.integer("num_local_experts", in: ModelLimits.experts)
    let plain = try fields.integer("num_experts", in: ModelLimits.experts)
    if let local, let plain, local != plain {
      throw ModelConfigError(
        "\(fields.place): num_local_experts is \(local) but num_experts is \(plain); they must agree")
    }
    guard let count = local ?? plain else {
      throw ModelConfigError("\(fields.place) has neither num_experts nor num_local_experts")
    }
    return count
  }
}
