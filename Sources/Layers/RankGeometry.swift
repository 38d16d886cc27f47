package import Topology

/// What one rank owns of each layer, in plain numbers, and who shares the sums with it.
///
/// All degrees come from `Topology`; layer builders only read these ranges.
package struct RankGeometry: Sendable {
  package let plan: ShardPlan
  package let rank: Int
  /// Query heads of this rank and the KV heads that they read.
  package let queryHeads: Range<Int>
  package let kvHeads: Range<Int>
  /// Vocabulary rows of the embedding and the head.
  package let vocabulary: Range<Int>
  /// Ranks with the same tokens, in head order and in vocabulary order.
  package let headGroup: RankGroup
  package let attentionGroup: RankGroup
  /// Ranks that share the dense MLP and each expert's width, in slice order.
  package let mlpGroup: RankGroup
  /// This rank's twins in the other token groups, own group included, by token group.
  package let tokenGroup: RankGroup

  /// - Parameter plan: the model on the mesh; every layer has the same heads.
  package init(plan: ShardPlan, rank: Int) {
    self.plan = plan
    self.rank = rank
    queryHeads = plan.queryHeads(of: rank, layer: 0)
    kvHeads = plan.kvHeads(of: rank, layer: 0)
    vocabulary = plan.vocabulary(of: rank)
    headGroup = plan.mesh.headGroup(of: rank)
    attentionGroup = plan.mesh.attentionGroup(of: rank)
    mlpGroup = plan.mesh.mlpGroup(of: rank)
    tokenGroup = plan.mesh.tokenGroup(of: rank)
  }

  package var mesh: Mesh { plan.mesh }

  /// Index of the rank's token group within its replica, attn_dp major.
  package var tokenGroupIndex: Int { mesh.tokenIndex(of: rank) }

  /// Token groups in the order of this rank's row buffers: its own, the others that share its dense MLP, the rest.
  package var groupOrder: [Int] {
    let own = tokenGroupIndex
    let x = mesh.shape.attnDPExpert
    let sameMLP = (0..<mesh.shape.attnDP).map { $0 * x + own % x }.filter { $0 != own }
    let rest = (0..<mesh.tokenOwners).filter { $0 != own && !sameMLP.contains($0) }
    return [own] + sameMLP + rest
  }

  /// How many of `groupOrder` share the dense MLP.
  package var mlpGroupCount: Int { mesh.shape.attnDP }
}

/// One row-parallel sum: the tree, everyone's leaves, and this rank's part.
package struct SumGeometry: Sendable {
  package let tree: CanonicalTree
  /// Members in leaf order and the leaves of each.
  package let members: [Int]
  package let ranges: [Range<Int>]
  /// This rank's place among the members.
  package let ownIndex: Int

  package init(tree: CanonicalTree, group: RankGroup, rank: Int) {
    self.tree = tree
    members = group.ranks
    ranges = LeafSplit(count: tree.leafCount, parts: group.size).ranges
    ownIndex = group.index(of: rank) ?? 0
  }

  /// Leaves of this rank.
  package var ownLeaves: Range<Int> { ranges[ownIndex] }
  /// Roots that each member contributes.
  package var rootCounts: [Int] { ranges.map { tree.roots(of: $0).count } }
  /// Additions after each root when all members' roots are pushed in order.
  package var completion: [UInt8] { tree.completion(of: ranges) }
  /// Additions after each local leaf.
  package var merges: [UInt8] { tree.merges(of: ownLeaves) }
}
