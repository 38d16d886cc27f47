/// How many payload bytes the ranks of one replica send in a step whose rows and routing are known:
/// `CollectiveTraffic` without averages.
///
/// Derived from the plan of shards alone, so that what transports count can be held against it.
package struct StepTraffic: Sendable {
  /// The rows of one attention group in the step.
  package struct GroupRows: Sendable, Hashable {
    package var rows: Int
    /// Rows that produce logits, and those of them whose whole logits are gathered.
    package var sampledRows: Int
    package var wholeRows: Int

    package init(rows: Int, sampledRows: Int, wholeRows: Int) {
      self.rows = rows
      self.sampledRows = sampledRows
      self.wholeRows = wholeRows
    }
  }

  private let plan: ShardPlan
  private let traffic: CollectiveTraffic
  /// By attention group of the replica, attn_dp major.
  private let groups: [GroupRows]

  package init(_ plan: ShardPlan, groups: [GroupRows]) {
    precondition(groups.count == plan.mesh.tokenOwners, "\(groups.count) groups of \(plan.mesh.tokenOwners)")
    self.plan = plan
    self.groups = groups
    traffic = CollectiveTraffic(plan)
  }

  private var shape: MeshShape { plan.mesh.shape }
  private var rows: Int { groups.reduce(0) { $0 + $1.rows } }

  /// Looked-up rows of the embedding.
  package var embedding: Int { rows * traffic.embeddingAllGather }

  /// Roots of the attention output.
  package func attentionSum(layer: Int) -> Int { rows * traffic.attentionAllReduce(layer: layer) }

  /// Rows for a dense MLP, or for a shared expert where routed rows alone move.
  package var mlpRows: Int { rows * traffic.mlpTokenAllGather }

  /// Roots of a dense MLP, or of shared experts, of `width`.
  package func mlpSum(width: Int) -> Int {
    groups.indices.reduce(0) { sum, group in
      sum + groups[group].rows * traffic.mlpReduce(width: width, attnDP: group / shape.attnDPExpert)
    }
  }

  /// All rows to everyone.
  package func expertRows(_ experts: ExpertDimensions) -> Int {
    rows * traffic.expertTokenAllGather(experts)
  }

  /// Routed rows only: each once to every rank of another group that owns one of its experts.
  ///
  /// - Parameter chosen: `[group][row x k]` experts.
  package func expertDispatch(_ experts: ExpertDimensions, chosen: [[Int32]]) -> Int {
    let split = plan.expertSplit(count: experts.numExperts)
    let k = experts.numExpertsPerToken
    var records = 0
    for (group, chosen) in chosen.enumerated() {
      let ownOwner = group % shape.attnDPExpert
      for row in stride(from: 0, to: chosen.count, by: k) {
        for block in Set(chosen[row..<row + k].map { split.owner(of: Int($0)) }) {
          let isOwn = block / shape.ep == ownOwner
          records += shape.tp * (isOwn ? shape.attnDP - 1 : shape.attnDP)
        }
      }
    }
    return records * traffic.routedRowBytes(experts)
  }

  /// Roots of every (row, slot) from the ranks that own its expert to all ranks that hold the row.
  package func expertResults(_ experts: ExpertDimensions, chosen: [[Int32]]) -> Int {
    let split = plan.expertSplit(count: experts.numExperts)
    let tree = plan.leaves(width: experts.intermediateSize).tree
    let roots = plan.widthSplit(width: experts.intermediateSize).ranges.map { tree.roots(of: $0).count }
    let all = roots.reduce(0, +) * plan.mesh.attentionRanks
    var sent = 0
    for (group, chosen) in chosen.enumerated() {
      let attnDP = group / shape.attnDPExpert
      let own = roots[attnDP * shape.tp..<(attnDP + 1) * shape.tp].reduce(0, +)
      for expert in chosen {
        let isOwn = split.owner(of: Int(expert)) / shape.ep == group % shape.attnDPExpert
        sent += isOwn ? all - own : all
      }
    }
    return sent * traffic.rowBytes
  }

  /// Best candidates and whole logits to the first rank of each attention group.
  package var head: Int {
    let group = plan.mesh.attentionGroup(of: 0).ranks
    let senders = group.dropFirst().count { !plan.vocabulary(of: $0).isEmpty }
    let columns = plan.model.vocabularySize - plan.vocabulary(of: group[0]).count
    return groups.reduce(0) { $0 + $1.sampledRows * senders * 8 + $1.wholeRows * columns * 4 }
  }
}
