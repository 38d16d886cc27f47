import Topology

/// The exchanges of one step, in order.
struct CollectiveSchedule {
  private let plan: ShardPlan
  private let traffic: CollectiveTraffic
  private let options: MeshPlanOptions

  init(plan: ShardPlan, options: MeshPlanOptions) {
    self.plan = plan
    self.traffic = CollectiveTraffic(plan)
    self.options = options
  }

  /// Exchanges among at least two ranks.
  func collectives() -> [PlannedCollective] {
    var all = [
      collective(.embedding, "embedding-all-gather", .attention, Double(traffic.embeddingAllGather))
    ]
    for layer in plan.model.layers.indices {
      all.append(
        collective(
          .layer(layer), "attention-all-reduce", .attention,
          Double(traffic.attentionAllReduce(layer: layer))))
      switch plan.model.layers[layer].feedForward {
      case .dense(let width):
        all.append(tokensForMLP(layer))
        all.append(reduction(layer, "mlp-reduce", width))
      case .experts(let experts):
        all += exchange(layer, experts)
      }
    }
    all.append(
      options.samples
        ? collective(.head, "logits-gather", .attention, Double(traffic.sampledLogits))
        : collective(.head, "candidates-gather", .attention, Double(traffic.greedyCandidates)))
    return all.filter { $0.groupSize > 1 }
  }

  /// Whether routed rows alone move, rather than all rows.
  func usesAllToAll(_ experts: ExpertDimensions) -> Bool {
    switch options.expertDispatch {
    case .allToAll: true
    case .allReduce: false
    case .auto: traffic.prefersAllToAll(experts)
    }
  }

  private func exchange(_ layer: Int, _ experts: ExpertDimensions) -> [PlannedCollective] {
    let allToAll = usesAllToAll(experts)
    var all: [PlannedCollective] = []
    if !allToAll {
      all.append(
        collective(
          .layer(layer), "expert-token-all-gather", .token, Double(traffic.expertTokenAllGather(experts))))
    } else if plan.mesh.tokenOwners > 1 {
      all.append(
        collective(.layer(layer), "expert-dispatch-all-to-all", .replica, traffic.expertDispatch(experts)))
    }
    all.append(
      collective(
        .layer(layer), allToAll ? "expert-combine-all-to-all" : "expert-all-reduce", .replica,
        traffic.expertCombine(experts)))
    if experts.sharedIntermediateSize > 0 {
      if allToAll { all.append(tokensForMLP(layer)) }
      all.append(reduction(layer, "shared-expert-reduce", experts.sharedIntermediateSize))
    }
    return all
  }

  private func tokensForMLP(_ layer: Int) -> PlannedCollective {
    collective(.layer(layer), "mlp-token-all-gather", .mlpToken, Double(traffic.mlpTokenAllGather))
  }

  private func reduction(_ layer: Int, _ operation: String, _ width: Int) -> PlannedCollective {
    collective(.layer(layer), operation, .mlp, traffic.mlpReduce(width: width))
  }

  private func collective(
    _ place: PlannedCollective.Place, _ operation: String, _ group: MeshGroup, _ bytes: Double
  ) -> PlannedCollective {
    PlannedCollective(
      place: place, operation: operation, group: group,
      groupSize: plan.mesh.shape.size(over: group.axes), bytesPerToken: bytes)
  }
}
