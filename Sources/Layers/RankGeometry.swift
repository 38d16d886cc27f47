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
  /// This rank's place in the attention group.
  package let attentionPlace: Int
  /// Ranks that share the dense MLP and each expert's width, in slice order.
  package let mlpGroup: RankGroup
  /// This rank's twins in the other token groups, own group included, by token group.
  package let tokenGroup: RankGroup
  /// All ranks of this rank's replica.
  package let replica: [Int]
  /// Vocabulary rows of each member of the attention group.
  package let vocabularySlices: [Range<Int>]
  /// By rank of the mesh: its token group within its replica (attn_dp major), its slice of MLP widths, its block of
  /// experts. Kept, because steps ask for them and working them out allocates.
  package let tokenIndices: [Int]
  package let mlpIndices: [Int]
  package let expertIndices: [Int]

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
    attentionPlace = attentionGroup.index(of: rank) ?? 0
    replica = plan.mesh.replicaGroup(of: rank).ranks
    vocabularySlices = attentionGroup.ranks.map { plan.vocabulary(of: $0) }
    tokenIndices = plan.mesh.ranks.map { plan.mesh.tokenIndex(of: $0) }
    mlpIndices = plan.mesh.ranks.map { plan.mesh.mlpIndex(of: $0) }
    expertIndices = plan.mesh.ranks.map { plan.mesh.expertIndex(of: $0) }
  }

  package var mesh: Mesh { plan.mesh }

  /// Index of the rank's token group within its replica, attn_dp major.
  package var tokenGroupIndex: Int { tokenIndices[rank] }

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
  /// Roots that each member contributes.
  package let rootCounts: [Int]
  /// Additions after each root when all members' roots are pushed in order.
  package let completion: [UInt8]

  /// - Parameter split: the tree's leaves over the members.
  package init(tree: CanonicalTree, split: LeafSplit, group: RankGroup, rank: Int) {
    self.tree = tree
    members = group.ranks
    ranges = split.ranges
    ownIndex = group.index(of: rank) ?? 0
    rootCounts = ranges.map { tree.roots(of: $0).count }
    completion = tree.completion(of: ranges)
  }

  /// Leaves of this rank.
  package var ownLeaves: Range<Int> { ranges[ownIndex] }
  /// Additions after each local leaf.
  package var merges: [UInt8] { tree.merges(of: ownLeaves) }
}
