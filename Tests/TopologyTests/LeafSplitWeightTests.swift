import Testing
import Topology

@Suite struct LeafSplitWeightTests {
  private struct Generator {
    var state: UInt64

    mutating func next(below limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
  }

  @Test func sharesAreWholeAndNearTheirWeights() {
    var random = Generator(state: 20)
    for _ in 0..<2000 {
      let parts = 1 + random.next(below: 9)
      let least = random.next(below: 2)
      let count = random.next(below: 200)
      let weights = (0..<parts).map { _ in Double(1 + random.next(below: 50)) }
      let split = LeafSplit(count: count, weights: weights, least: least)
      let ranges = split.ranges
      #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == count)
      for (left, right) in zip(ranges, ranges.dropFirst()) { #expect(left.upperBound == right.lowerBound) }
      #expect(split.largest == ranges.map(\.count).max())
      for unit in 0..<count { #expect(ranges[split.owner(of: unit)].contains(unit)) }
      let floor = min(least, count / parts)
      let total = weights.reduce(0, +)
      for (range, weight) in zip(ranges, weights) {
        let wanted = Double(floor) + Double(count - floor * parts) * weight / total
        #expect(range.count >= floor && abs(Double(range.count) - wanted) < 1, "\(count) by \(weights)")
      }
    }
  }

  @Test func equalWeightsAreTheEvenSplit() {
    for count in 0..<40 {
      for parts in 1...9 {
        let weights = Array(repeating: 2.5, count: parts)
        #expect(LeafSplit(count: count, weights: weights, least: 1) == LeafSplit(count: count, parts: parts))
      }
    }
  }

  @Test func plansFollowTheBalance() throws {
    let attention = AttentionDimensions(numQueryHeads: 8, numKVHeads: 4, headDim: 16)
    let model = ModelDimensions(
      hiddenSize: 128, vocabularySize: 1600,
      layers: [LayerDimensions(attention: attention, feedForward: .dense(intermediateSize: 512))])
    let plan = try ShardPlan(model: model, mesh: Mesh(try MeshShape(tp: 3)), balance: [1, 2, 1])
    #expect(plan.mesh.ranks.map { plan.queryHeads(of: $0, layer: 0).count } == [2, 4, 2])
    #expect(plan.mesh.ranks.map { plan.widthRange(of: $0, width: 512).count } == [128, 256, 128])
    #expect(plan.mesh.ranks.map { plan.vocabulary(of: $0).count } == [400, 800, 400])
    #expect(throws: MeshError.self) {
      try ShardPlan(model: model, mesh: Mesh(try MeshShape(tp: 3)), balance: [1, 2])
    }
    #expect(throws: MeshError.self) {
      try ShardPlan(model: model, mesh: Mesh(try MeshShape(tp: 2)), balance: [1, 0])
    }
  }
}
