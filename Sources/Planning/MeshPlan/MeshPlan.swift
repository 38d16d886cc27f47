package import ModelConfigs
package import Parsing
internal import Tensors
package import Topology

/// Everything that is decided before a process starts: who holds what, what moves, what it costs.
package struct MeshPlan: Sendable {
  package let config: ModelConfig
  package let options: MeshPlanOptions
  package let shards: ShardPlan
  /// The overrides of the original for this model and mesh, and what it says on the way.
  package let translation: ModelTranslation
  /// What the user should know, one sentence each.
  package let warnings: [String]
  package let ranks: [RankPlan]
  package let tensors: [TensorPlan]
  package let costs: [PlanCost]
  package let collectives: [PlannedCollective]
  package let stepTime: StepTime

  package var mesh: Mesh { shards.mesh }

  /// What one rank holds.
  package struct RankPlan: Sendable, Hashable {
    package let rank: Int
    package let weightBytes: Int
    /// Bytes that one token of one of its sequences takes in its cache.
    package let kvBytesPerToken: Int
  }

  /// Throws one error with every reason why the mesh cannot hold the model.
  ///
  /// - Parameter textConfig: the text part of the model's configuration file, from which the original reads
  /// its facts.
  package init(
    config: ModelConfig, textConfig: JSONObject, shape: MeshShape, options: MeshPlanOptions = .init()
  )
    throws(PlanningError)
  {
    let shards: ShardPlan
    let granule = options.quantization.matrices(options.weightFormat).leafGranule
    do {
      shards = try ShardPlan(
        model: ModelDimensions(config, granule: granule), mesh: Mesh(shape), balance: options.balance)
    } catch {
      throw PlanningError("\(error)")
    }
    var request = try ModelTranslationRequest(
      tp: shape.tp, ep: shape.ep, attnDP: shape.attnDP, numLanes: options.numLanes,
      loadFormat: options.loadFormat, textConfig: Self.withKVHeads(textConfig, config),
      maxtextConfig: options.maxtextConfig)
    request.numKVHeads = config.numKVHeads
    self.config = config
    self.options = options
    self.shards = shards
    translation = try ModelTranslation(request)
    tensors = WeightInventory(config: config, plan: shards, options: options).tensors()
    let tensors = tensors
    let kvBytes = shards.mesh.ranks.map { rank in
      shards.model.layers.indices.reduce(0) { sum, layer in
        sum + shards.kvHeads(of: rank, layer: layer).count
          * options.kvFormat.bytesPerToken(headDim: config.headDim)
      }
    }
    ranks = shards.mesh.ranks.map { rank in
      RankPlan(
        rank: rank, weightBytes: tensors.reduce(0) { $0 + $1.localBytes[rank] * $1.count },
        kvBytesPerToken: kvBytes[rank])
    }
    costs = PlanCost.all(
      tensors: tensors, kvBytesPerToken: kvBytes, translation: translation, shards, config, options)
    collectives = CollectiveSchedule(plan: shards, options: options).collectives()
    stepTime = StepTime(
      tensors: tensors, collectives: collectives, kvBytesPerToken: kvBytes, plan: shards, options: options)
    warnings = Self.warnings(translation: translation, shards: shards, tensors: tensors, config: config)
  }

  /// Old configuration files leave the KV heads out when every query head has its own.
  private static func withKVHeads(_ textConfig: JSONObject, _ config: ModelConfig) -> JSONObject {
    if let heads = textConfig["num_key_value_heads"], !heads.isNull { return textConfig }
    let heads = (key: "num_key_value_heads", value: JSONValue.integer(Int64(config.numKVHeads)))
    return JSONObject(textConfig.members + [heads])
  }

  private static func warnings(
    translation: ModelTranslation, shards: ShardPlan, tensors: [TensorPlan], config: ModelConfig
  ) -> [String] {
    let mesh = shards.mesh
    var warnings = translation.log.filter { $0.kind == .dummyLoadPathIgnored }.map(\.text)
    let group = mesh.attentionGroup(of: 0).ranks
    let held = group.reduce(0) { $0 + shards.kvHeads(of: $1, layer: 0).count }
    if held > config.numKVHeads {
      warnings.append(
        "\(mesh.attentionRanks) attention ranks share \(config.numKVHeads) KV heads, so \(held) are kept "
          + "per group: attn_dp instead of tp keeps each head once per sequence.")
    }
    for tensor in tensors where [.gateUp, .expertGateUp].contains(tensor.tensor) {
      let idle = tensor.localShapes.count { $0.contains(0) }
      if idle > 0 {
        warnings.append(
          "\(idle) of \(mesh.worldSize) ranks own nothing of \(tensor.name): it has too few leaves or "
            + "experts for \(mesh.mlpRanks) width shares.")
      }
    }
    let sizes = mesh.ranks.map { rank in tensors.reduce(0) { $0 + $1.localBytes[rank] * $1.count } }
    if let least = sizes.min(), let most = sizes.max(), most > least + least / 4 {
      warnings.append(
        "The ranks are uneven: the largest holds \(ByteText.short(most)) of weights, the smallest "
          + "\(ByteText.short(least)); the step waits for the largest.")
    }
    return warnings
  }
}
