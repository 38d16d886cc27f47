/// How many payload bytes the ranks of one replica put on the wire for each token of a step.
///
/// All formulas of data movement are here, so that counted bytes can be compared with them. Rows are
/// `hiddenSize` f32 elements. Letters: n ranks of an attention group, A = attn_dp, M ranks of an MLP group, O
/// attention groups of a replica. Every rank of an attention group holds all rows of that group's tokens.
/// Headers are not counted.
package struct CollectiveTraffic: Sendable {
  private let plan: ShardPlan
  private let mesh: Mesh

  package init(_ plan: ShardPlan) {
    self.plan = plan
    self.mesh = plan.mesh
  }

  /// Bytes of one activation row.
  package var rowBytes: Int { plan.model.hiddenSize * 4 }

  /// Bytes of a row on its way to its experts: its chosen experts stand before its values.
  package func routedRowBytes(_ experts: ExpertDimensions) -> Int {
    rowBytes + 4 * experts.numExpertsPerToken
  }

  private var groupSize: Int { mesh.attentionRanks }

  /// Embedding: the owner of a token's row sends it to the other ranks of the group: (n - 1) rows.
  package var embeddingAllGather: Int { (groupSize - 1) * rowBytes }

  /// Attention output, small payloads: every rank sends its tree roots to all others: (n - 1) * (all roots)
  /// rows.
  package func attentionAllReduce(layer: Int) -> Int {
    (groupSize - 1) * attentionRoots(layer: layer) * rowBytes
  }

  /// Attention output, large payloads: roots go to the rank that sums a part of the rows, sums go to all:
  /// (n - 1) * (all roots) / n + (n - 1) rows.
  package func attentionReduceScatterAllGather(layer: Int) -> Double {
    let n = Double(groupSize)
    return (n - 1) * (Double(attentionRoots(layer: layer)) / n + 1) * Double(rowBytes)
  }

  /// Dense MLP, tokens in: every rank of a group sends its rows to its A - 1 counterparts: n * (A - 1) rows.
  package var mlpTokenAllGather: Int {
    groupSize * (mesh.shape.attnDP - 1) * rowBytes
  }

  /// Dense MLP of `width`, sums out, for a row of the groups at `attnDP`: every rank of an MLP group sends
  /// its roots to the `tp` ranks that hold the row, but not to itself; the same happens in each of the `ep`
  /// groups that hold it.
  package func mlpReduce(width: Int, attnDP: Int) -> Int {
    let roots = widthRoots(width: width)
    let own = roots[attnDP * mesh.shape.tp..<(attnDP + 1) * mesh.shape.tp].reduce(0, +)
    return mesh.shape.ep * (roots.reduce(0, +) * mesh.shape.tp - own) * rowBytes
  }

  /// The same for an average row.
  package func mlpReduce(width: Int) -> Double {
    let groups = mesh.shape.attnDP
    return Double((0..<groups).reduce(0) { $0 + mlpReduce(width: width, attnDP: $1) }) / Double(groups)
  }

  /// Experts, all-reduce way, tokens in: every rank sends its rows to its O - 1 counterparts: n * (O - 1)
  /// rows, each with its chosen experts.
  package func expertTokenAllGather(_ experts: ExpertDimensions) -> Int {
    groupSize * (mesh.tokenOwners - 1) * routedRowBytes(experts)
  }

  /// Whether routed rows alone should move: then fewer bytes are expected, those of the shared experts' rows included,
  /// which come for nothing where all rows are gathered. Every rank of a replica finds the same.
  package func prefersAllToAll(_ experts: ExpertDimensions) -> Bool {
    let gathered = expertTokenAllGather(experts)
    guard gathered > 0 else { return true }
    let shared = experts.sharedIntermediateSize > 0 ? mlpTokenAllGather : 0
    return expertDispatch(experts) + Double(shared) < Double(gathered)
  }

  /// Experts, all-to-all way, tokens in: a row goes once to every rank outside its group that owns one of its
  /// experts; expected over routers that choose every expert alike.
  package func expertDispatch(_ experts: ExpertDimensions) -> Double {
    let split = plan.expertSplit(count: experts.numExperts)
    let shape = mesh.shape
    var destinations = 0.0
    for block in 0..<split.parts {
      // Blocks of the token's own attn_dp_expert coordinate: its own group holds the row already.
      let ownGroup = Double(shape.tp) / Double(shape.attnDPExpert)
      let chosen = Self.chanceOfAny(
        split.range(of: block).count, of: experts.numExperts, chosen: experts.numExpertsPerToken)
      destinations += chosen * (Double(mesh.mlpRanks) - ownGroup)
    }
    return destinations * Double(routedRowBytes(experts))
  }

  /// Experts, results back per (token, slot): the M ranks that own the slot's expert send their roots to the
  /// n ranks that hold the row, but not to themselves; expected as for `expertDispatch`.
  package func expertCombine(_ experts: ExpertDimensions) -> Double {
    let split = plan.expertSplit(count: experts.numExperts)
    let shape = mesh.shape
    let roots = widthRoots(width: experts.intermediateSize)
    let all = roots.reduce(0, +)
    // An owner is itself a receiver when it is of the token's own group: its attn_dp and attn_dp_expert
    // coincide.
    let toSelf = Double(all) / Double(shape.attnDP)
    var rows = 0.0
    for block in 0..<split.parts {
      let chance = Double(split.range(of: block).count) / Double(experts.numExperts)
      rows += chance * (Double(all * groupSize) - toSelf / Double(shape.attnDPExpert))
    }
    return rows * Double(experts.numExpertsPerToken) * Double(rowBytes)
  }

  /// Logits, greedy: every rank but the group's first sends its best value and its index: 8 bytes each.
  package var greedyCandidates: Int { (groupSize - 1) * 8 }

  /// Logits, sampling: every rank but the group's first sends its columns as f32.
  package var sampledLogits: Int {
    (plan.model.vocabularySize - plan.vocabulary(of: 0).count) * 4
  }

  // MARK: Roots

  private func attentionRoots(layer: Int) -> Int {
    let tree = plan.attentionTree(layer: layer)
    return plan.headSplit(layer: layer).ranges.reduce(0) { $0 + tree.roots(of: $1).count }
  }

  /// Tree roots of each share of a width, in the order of an MLP group.
  private func widthRoots(width: Int) -> [Int] {
    let tree = plan.leaves(width: width).tree
    return plan.widthSplit(width: width).ranges.map { tree.roots(of: $0).count }
  }

  /// The chance that at least one of `part` of `count` experts is among `chosen` different ones.
  static func chanceOfAny(_ part: Int, of count: Int, chosen: Int) -> Double {
    var none = 1.0
    for draw in 0..<chosen {
      none *= Double(max(0, count - part - draw)) / Double(count - draw)
    }
    return 1 - none
  }
}
