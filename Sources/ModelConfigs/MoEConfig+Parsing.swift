import Parsing

extension MoEConfig {
  /// Which layers route where every `decoder_sparse_step`-th does, except those in `mlp_only_layers`.
  static func periodicLayers(
    _ fields: inout ConfigFields, numLayers: Int
  ) throws(ModelConfigError) -> [Bool] {
    let period = try fields.integer("decoder_sparse_step", in: 1...ModelLimits.layers.upperBound) ?? 1
    let dense = Set(try fields.integers("mlp_only_layers") ?? [])
    return (0..<numLayers).map { ($0 + 1) % period == 0 && !dense.contains($0) }
  }

  /// The router of DeepSeek-V3 (arXiv 2412.19437, section 2.1.2): sigmoid scores, a bias for the choice only,
  /// experts of the best groups, a factor on the weights; shared experts of `n_shared_experts` widths; the
  /// first layers dense.
  ///
  /// - Returns: nil when all layers are dense.
  static func groupLimited(
    _ fields: inout ConfigFields, numLayers: Int, defaultDenseLayers: Int, defaultNormalize: Bool
  ) throws(ModelConfigError) -> MoEConfig? {
    let denseLayers =
      try fields.integer("first_k_dense_replace", in: 0...ModelLimits.layers.upperBound) ?? defaultDenseLayers
    let width = try fields.requiredInteger("moe_intermediate_size", in: ModelLimits.intermediateSize)
    var moe = MoEConfig(
      numExperts: try fields.requiredInteger("n_routed_experts", in: ModelLimits.experts),
      numExpertsPerToken: try fields.requiredInteger("num_experts_per_tok", in: ModelLimits.experts),
      intermediateSize: width, normalizeTopK: try fields.bool("norm_topk_prob") ?? defaultNormalize,
      isSparse: (0..<numLayers).map { $0 >= denseLayers })
    moe.scoring = .sigmoid
    moe.hasSelectionBias = true
    moe.numGroups = try fields.integer("n_group", in: ModelLimits.experts) ?? 1
    moe.numGroupsPerToken = try fields.integer("topk_group", in: ModelLimits.experts) ?? 1
    moe.routedScalingFactor = try fields.number("routed_scaling_factor", in: 1e-6...1e6) ?? 1
    try expectScoring(&fields)
    let shared = try fields.integer("n_shared_experts", in: 0...ModelLimits.experts.upperBound) ?? 1
    if shared > 0 {
      let (total, overflow) = width.multipliedReportingOverflow(by: shared)
      guard !overflow, ModelLimits.intermediateSize.contains(total) else {
        throw ModelConfigError(
          "\(fields.place): n_shared_experts \(shared) times moe_intermediate_size \(width) is wider than "
            + "\(ModelLimits.intermediateSize.upperBound)")
      }
      moe.sharedExpertIntermediateSize = total
    }
    return denseLayers < numLayers ? moe : nil
  }

  /// Files may spell out what the family means anyway; another choice is another computation.
  private static func expectScoring(_ fields: inout ConfigFields) throws(ModelConfigError) {
    // dots.llm1 writes the name of the method where others write that of the function.
    for key in ["scoring_func", "topk_method"] {
      guard let value = try fields.string(key), !["sigmoid", "noaux_tc"].contains(value) else { continue }
      throw ModelConfigError(
        "\(fields.place): \(key) is \(describe(.string(value))); supported are sigmoid scores and noaux_tc")
    }
    if let period = try fields.integer("moe_layer_freq", in: ModelLimits.layers), period != 1 {
      throw ModelConfigError(
        "\(fields.place): moe_layer_freq is \(period); supported is 1, experts in every layer after the dense ones"
      )
    }
    // How another runtime spreads the experts.
    fields.accept(["ep_size"])
  }

  /// Checks what no single member shows.
  func validate(place: String) throws(ModelConfigError) {
    guard numExpertsPerToken <= numExperts else {
      throw ModelConfigError(
        "\(place): num_experts_per_tok is \(numExpertsPerToken); it must be at most the \(numExperts) experts"
      )
    }
    guard scoring == .sigmoid else { return }
    guard numExperts % numGroups == 0, numExperts / numGroups >= 2 else {
      throw ModelConfigError(
        "\(place): n_group is \(numGroups); it must cut the \(numExperts) experts into equal groups of at least 2"
      )
    }
    guard numGroupsPerToken <= numGroups else {
      throw ModelConfigError(
        "\(place): topk_group is \(numGroupsPerToken); it must be at most the \(numGroups) groups")
    }
    let selectable = numExperts / numGroups * numGroupsPerToken
    guard numExpertsPerToken <= selectable else {
      throw ModelConfigError(
        "\(place): num_experts_per_tok is \(numExpertsPerToken), but the \(numGroupsPerToken) best groups have only "
          + "\(selectable) experts")
    }
  }
}
