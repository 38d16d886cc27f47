import Testing
import Topology

@Test func splitsAreBalancedAndCoverEverything() {
  for count in 0...40 {
    for parts in 1...18 {
      let split = LeafSplit(count: count, parts: parts)
      #expect(split.ranges.flatMap { Array($0) } == Array(0..<count))
      let sizes = split.ranges.map(\.count)
      #expect(sizes.max()! - sizes.min()! <= 1 && sizes.max()! == split.largest)
      for unit in 0..<count { #expect(split.range(of: split.owner(of: unit)).contains(unit)) }
    }
  }
}

@Test(arguments: [1, 2, 32], [1, 3, 16])
func leavesCoverTheExtentInWholeGranules(granule: Int, maxLeaves: Int) {
  for extent in 1...600 {
    let leaves = ContractionLeaves(extent: extent, granule: granule, maxLeaves: maxLeaves)
    #expect(leaves.count <= maxLeaves && leaves.width % granule == 0)
    #expect(leaves.range(ofLeaves: 0..<leaves.count) == 0..<extent)
    for leaf in 0..<leaves.count { #expect(!leaves.range(ofLeaves: leaf..<leaf + 1).isEmpty) }
    #expect(leaves.tree.leafCount == leaves.count)
  }
}

@Test func leafWidthsOfUsualLayers() {
  #expect(ContractionLeaves(extent: 4096, granule: 2).count == 16)
  #expect(ContractionLeaves(extent: 4096, granule: 2).width == 256)
  #expect(ContractionLeaves(extent: 56, granule: 2).width == 4)
  #expect(ContractionLeaves(extent: 56, granule: 2).count == 14)
  #expect(ContractionLeaves(extent: 56, granule: 32).count == 2)
  #expect(ContractionLeaves(extent: 208, granule: 32).count == 7)
}

@Test func aRankMayOwnNothingOfASmallTensor() {
  let leaves = ContractionLeaves(extent: 40, granule: 32)
  let split = leaves.split(over: 3)
  #expect(split.ranges.map { leaves.range(ofLeaves: $0) } == [0..<0, 0..<32, 32..<40])
}
