import Testing
import Topology

private func model(
  heads: Int = 6, kvHeads: Int = 2, headDim: Int = 16, experts: Int = 6, width: Int = 56, dense: Int = 208,
  vocabulary: Int = 515, granule: Int = 2
) -> ModelDimensions {
  let attention = AttentionDimensions(numQueryHeads: heads, numKVHeads: kvHeads, headDim: headDim)
  return ModelDimensions(
    hiddenSize: 96, vocabularySize: vocabulary, granule: granule,
    layers: [
      LayerDimensions(attention: attention, feedForward: .dense(intermediateSize: dense)),
      LayerDimensions(
        attention: attention,
        feedForward: .experts(
          ExpertDimensions(numExperts: experts, numExpertsPerToken: 2, intermediateSize: width))),
    ])
}

private let shapes: [MeshShape] = (0..<144).map { number in
  try! MeshShape(
    dp: 1 + number % 2, attnDP: 1 + number / 2 % 3, attnDPExpert: 1 + number / 6 % 2, ep: 1 + number / 12 % 3,
    tp: 1 + number / 36 % 4)
}.filter { $0.ep * $0.tp <= 6 && $0.attnDPExpert * $0.ep <= 6 }

/// Every group of `kind` owns every unit exactly once, in the order of the group.
private func expectCovered(
  _ plan: ShardPlan, _ kind: MeshGroup, units: Int, _ comment: Comment, share: (Int) -> Range<Int>
) {
  for group in plan.mesh.groups(kind) {
    #expect(group.ranks.flatMap { Array(share($0)) } == Array(0..<units), comment)
  }
}

@Test(arguments: [2, 32])
func everyShareIsOwnedOncePerGroup(granule: Int) throws {
  for shape in shapes {
    let plan = try ShardPlan(model: model(granule: granule), mesh: Mesh(shape))
    let comment = Comment("\(shape) granule \(granule)")
    expectCovered(plan, .head, units: 6, comment) { plan.queryHeads(of: $0, layer: 0) }
    expectCovered(plan, .mlp, units: 208, comment) { plan.widthRange(of: $0, width: 208) }
    expectCovered(plan, .mlp, units: 56, comment) { plan.widthRange(of: $0, width: 56) }
    expectCovered(plan, .expert, units: 6, comment) { plan.experts(of: $0, count: 6) }
    expectCovered(plan, .attention, units: 515, comment) { plan.vocabulary(of: $0) }
  }
}

@Test func aRankHoldsTheKVHeadsThatItsQueryHeadsRead() throws {
  for (heads, kvHeads) in [(6, 2), (6, 3), (6, 1), (6, 6), (8, 2)] {
    for shape in shapes {
      let plan = try ShardPlan(model: model(heads: heads, kvHeads: kvHeads), mesh: Mesh(shape))
      for rank in plan.mesh.ranks {
        let read = Set(plan.queryHeads(of: rank, layer: 0).map { $0 * kvHeads / heads })
        #expect(Set(plan.kvHeads(of: rank, layer: 0)) == read, "\(shape) rank \(rank) of \(heads)/\(kvHeads)")
      }
    }
  }
}

@Test func unevenHeadsMayShareAKVHeadAcrossRanks() throws {
  let plan = try ShardPlan(model: model(heads: 6, kvHeads: 2), mesh: Mesh(MeshShape(tp: 4)))
  #expect((0..<4).map { plan.queryHeads(of: $0, layer: 0) } == [0..<1, 1..<3, 3..<4, 4..<6])
  #expect((0..<4).map { plan.kvHeads(of: $0, layer: 0) } == [0..<1, 0..<1, 1..<2, 1..<2])
}

@Test func vocabularyIsCutInBlocksOfSixteen() throws {
  let plan = try ShardPlan(model: model(vocabulary: 515), mesh: Mesh(MeshShape(ep: 3)))
  #expect((0..<3).map { plan.vocabulary(of: $0) } == [0..<176, 176..<352, 352..<515])
  let tiny = try ShardPlan(model: model(vocabulary: 10), mesh: Mesh(MeshShape(ep: 3)))
  #expect((0..<3).map { tiny.vocabulary(of: $0) } == [0..<0, 0..<0, 0..<10])
}

@Test func moreAttentionRanksThanHeadsAreRefused() {
  #expect {
    try ShardPlan(model: model(), mesh: Mesh(MeshShape(ep: 2, tp: 4)))
  } throws: { error in
    "\(error)"
      == "ep 2 x tp 4 = 8 attention ranks, but there are only 6 query heads and a rank needs at least "
      + "one: use ep=2 "
      + "tp=3, and attn_dp, attn_dp_expert or dp for the other ranks."
  }
}

@Test func everyReasonIsGiven() {
  #expect {
    try ShardPlan(model: model(), mesh: Mesh(MeshShape(attnDPExpert: 2, ep: 7)))
  } throws: { error in
    guard let error = error as? MeshError else { return false }
    return error.sentences.count == 2 && error.sentences[0].contains("use ep=6 tp=1")
      && error.sentences[1].contains("use attn_dp_expert=2 ep=3")
  }
}

@Test func theSuggestedMeshIsValid() throws {
  for heads in 1...9 {
    for ep in 1...10 {
      for tp in 1...10 where ep * tp > heads {
        let nearest = min(ep, heads)
        _ = try ShardPlan(
          model: model(heads: heads, kvHeads: 1, experts: 16),
          mesh: Mesh(MeshShape(ep: nearest, tp: heads / nearest)))
      }
    }
  }
}

@Test(arguments: [
  (model(heads: 0), "number of query heads is 0"),
  (model(kvHeads: 4), "6 query heads cannot share 4 KV heads"),
  (model(headDim: -1), "head dim is -1"),
  (model(experts: 0), "number of experts is 0"),
  (model(width: 1 << 40), "expert intermediate size is 1099511627776"),
  (model(dense: 0), "The intermediate size is 0"),
  (model(vocabulary: 0), "vocabulary size is 0"),
  (model(granule: 0), "granule is 0"),
])
func modelsThatMakeNoSenseAreRefused(model: ModelDimensions, reason: String) {
  #expect {
    try ShardPlan(model: model, mesh: .single)
  } throws: { error in
    "\(error)".contains(reason)
  }
}
