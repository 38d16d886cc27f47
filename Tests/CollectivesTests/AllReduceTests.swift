import Collectives
import TestSupport
import Testing
import Topology
import Transport
import Wire

/// Leaves whose values depend on leaf and element and whose sum depends on the order of additions.
func makeLeaves(_ count: Int, _ rowElements: Int) -> [[Float]] {
  (0..<count).map { leaf in
    (0..<rowElements).map { element in
      let wobble = Float((leaf * 7919 + element * 104_729) % 1_000_003) * 1.1e-6
      return (leaf % 3 == 1 ? -1 : 1) * (1 + wobble) * Float(1 << (leaf % 11))
    }
  }
}

/// How the leaves are dealt to the ranks: balanced, all to the last one, or one rank left out in the middle.
enum Deal: CaseIterable, Sendable {
  case balanced, lopsided, gap

  func ranges(_ leafCount: Int, _ worldSize: Int) -> [Range<Int>] {
    switch self {
    case .balanced: return LeafSplit(count: leafCount, parts: worldSize).ranges
    case .lopsided: return (0..<worldSize).map { $0 == worldSize - 1 ? 0..<leafCount : 0..<0 }
    case .gap:
      if worldSize < 3 { return LeafSplit(count: leafCount, parts: worldSize).ranges }
      var ranges = LeafSplit(count: leafCount, parts: worldSize - 1).ranges
      let middle = worldSize / 2
      let border = ranges[middle].lowerBound
      ranges.insert(border..<border, at: middle)
      return ranges
    }
  }
}

/// Every rank's row 0 after an all-reduce, and what the links counted.
private func reduce(
  _ worldSize: Int, _ leafCount: Int, _ rowElements: Int, _ deal: Deal, _ algorithm: AllReducePlan.Algorithm,
  over joint: Joint
) throws -> [[UInt32]] {
  let leaves = makeLeaves(leafCount, rowElements)
  let tree = CanonicalTree(leafCount: leafCount)
  let ranges = worldSize == 1 ? [0..<leafCount] : deal.ranges(leafCount, worldSize)
  let group = RankGroup(ranks: Array(0..<worldSize))
  return try onRanks(worldSize, over: joint) { rank, communicator in
    let plan = AllReducePlan(
      tree: tree, ranges: ranges, group: group, index: rank, rowElements: rowElements, algorithm: algorithm)
    // Garbage elsewhere: only the own rows may be read.
    var memory = [Float](repeating: .nan, count: max(1, plan.rootCount * rowElements))
    let roots = ReferenceCollectives.roots(tree, of: ranges[rank], leaves)
    for (row, root) in zip(plan.ownRows, roots) {
      for element in 0..<rowElements { memory[row * rowElements + element] = root[element] }
    }
    var span = memory.mutableSpan
    try communicator.allReduce(
      plan, step: StepNumber(rawValue: 9), sequence: 4, memory: &span, deadline: .after(soon))
    let sent = communicator.link.traffic.totalSent
    #expect(sent.frames == plan.cost.messages)
    #expect(sent.payloadBytes == plan.cost.payloadBytes)
    return memory.prefix(rowElements).map { $0.bitPattern }
  }.map { try $0.get() }
}

@Test(
  "every all-reduce gives every rank the bits of the canonical sum", arguments: 1...9,
  AllReducePlan.Algorithm.allCases)
func allReduceBits(worldSize: Int, algorithm: AllReducePlan.Algorithm) throws {
  for deal in Deal.allCases {
    for leafCount in [1, 5, 16] {
      for rowElements in [1, 15, 16, 17, 16 * worldSize - 1, 16 * worldSize, 16 * worldSize + 1, 1500] {
        let expected = ReferenceCollectives.canonicalSum(makeLeaves(leafCount, rowElements)).map {
          $0.bitPattern
        }
        let results = try reduce(worldSize, leafCount, rowElements, deal, algorithm, over: .loopback)
        for (rank, result) in results.enumerated() {
          #expect(
            result == expected,
            "rank \(rank) of \(worldSize), \(leafCount) leaves \(deal), \(rowElements) elements, \(algorithm)"
          )
        }
      }
    }
  }
}

@Test(
  "an all-reduce over sockets gives the same bits", arguments: [Joint.ipc, .tcp, .shm],
  AllReducePlan.Algorithm.allCases)
func allReduceSockets(joint: Joint, algorithm: AllReducePlan.Algorithm) throws {
  for (worldSize, rowElements) in [(2, 2048), (4, 1000), (3, 70_000)] {
    let expected = ReferenceCollectives.canonicalSum(makeLeaves(16, rowElements)).map { $0.bitPattern }
    let results = try reduce(worldSize, 16, rowElements, .balanced, algorithm, over: joint)
    for result in results { #expect(result == expected) }
  }
}

@Test("what an all-reduce costs is what its formula says", arguments: 1...9)
func allReduceCost(worldSize: Int) {
  let tree = CanonicalTree(leafCount: 16)
  let ranges = LeafSplit(count: 16, parts: worldSize).ranges
  let group = RankGroup(ranks: Array(0..<worldSize))
  let row = 160 * worldSize
  for index in 0..<worldSize {
    func cost(_ algorithm: AllReducePlan.Algorithm) -> CollectiveCost {
      AllReducePlan(
        tree: tree, ranges: ranges, group: group, index: index, rowElements: row, algorithm: algorithm
      ).cost
    }
    let roots = tree.roots(of: ranges[index]).count
    let others = worldSize - 1
    #expect(cost(.direct).messages == others)
    #expect(cost(.direct).payloadBytes == others * roots * row * 4)
    #expect(cost(.scattered).messages == 2 * others)
    #expect(cost(.scattered).payloadBytes == others * (roots + 1) * 160 * 4)
  }
}

@Test("two ranks exchange directly; many ranks scatter what is large")
func algorithmChoice() {
  func choice(_ worldSize: Int, _ row: Int) -> AllReducePlan.Algorithm {
    AllReducePlan.choose(
      tree: CanonicalTree(leafCount: 16), ranges: LeafSplit(count: 16, parts: worldSize).ranges,
      group: RankGroup(ranks: Array(0..<worldSize)), rowElements: row)
  }
  #expect(choice(1, 1 << 18) == .direct)
  #expect(choice(2, 256) == .direct)
  #expect(choice(4, 256) == .direct)
  #expect(choice(8, 1 << 20) == .scattered)
}

@Test("a reduce-scatter leaves each rank the total of its own segment", arguments: [1, 2, 5])
func reduceScatter(worldSize: Int) throws {
  let rowElements = 333
  let leaves = makeLeaves(8, rowElements)
  let tree = CanonicalTree(leafCount: 8)
  let ranges = LeafSplit(count: 8, parts: worldSize).ranges
  let group = RankGroup(ranks: Array(0..<worldSize))
  let expected = ReferenceCollectives.canonicalSum(leaves)
  let results = try onRanks(worldSize, over: .loopback) { rank, communicator in
    let plan = AllReducePlan(
      tree: tree, ranges: ranges, group: group, index: rank, rowElements: rowElements, algorithm: .scattered)
    var memory = [Float](repeating: .nan, count: plan.rootCount * rowElements)
    for (row, root) in zip(plan.ownRows, ReferenceCollectives.roots(tree, of: ranges[rank], leaves)) {
      for element in 0..<rowElements { memory[row * rowElements + element] = root[element] }
    }
    var span = memory.mutableSpan
    try communicator.reduceScatter(
      plan, step: StepNumber(rawValue: 0), sequence: 0, memory: &span, deadline: .after(soon))
    for element in plan.segment { #expect(memory[element] == expected[element]) }
    return plan.segment
  }.map { try $0.get() }
  #expect(results.map(\.count).reduce(0, +) == rowElements)
}
