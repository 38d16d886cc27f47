import Topology

/// What each rank reads and computes in one decode step.
struct StepWork {
  /// Bytes of weights and KV by rank: of experts, as many as routers that choose all alike are expected to hit.
  private(set) var bytes: [Double]
  /// The same when in every layer the rank holds the block of experts that was hit most.
  private(set) var busiestBytes: [Double]
  private(set) var multiplyAdds: [Double]
  /// Operations of the step program.
  private(set) var operations: [Double]

  private let plan: ShardPlan
  private let tokensPerGroup: Int
  private let tokensPerReplica: Int

  init(tensors: [TensorPlan], kvBytesPerToken: [Int], plan: ShardPlan, options: MeshPlanOptions) {
    self.plan = plan
    tokensPerGroup = options.sequencesPerGroup
    tokensPerReplica = options.sequencesPerGroup * plan.mesh.tokenOwners
    let world = plan.mesh.worldSize
    bytes = kvBytesPerToken.map {
      Double($0) * Double(options.sequencesPerGroup) * Double(options.contextLength)
    }
    busiestBytes = bytes
    multiplyAdds = Array(repeating: 0, count: world)
    operations = Array(repeating: Double(Self.operations(plan)), count: world)
    for tensor in tensors { add(tensor) }
  }

  /// Operations of a layer as the workers' programs have them, and those before and after the layers.
  private static func operations(_ plan: ShardPlan) -> Int {
    plan.model.layers.reduce(8) { sum, layer in
      switch layer.feedForward {
      case .dense: sum + 12
      case .experts(let experts): sum + (experts.sharedIntermediateSize > 0 ? 19 : 14)
      }
    }
  }

  private mutating func add(_ tensor: TensorPlan) {
    let gathered = Double(tokensPerGroup * plan.mesh.shape.attnDP)
    var imbalance = 1.0
    var hit = 1.0
    var rows: Double
    switch tensor.tensor {
    case .embedding: return
    case .expertGateUp, .expertDown:
      guard case .experts(let experts) = plan.model.layers[tensor.layers[0]].feedForward else { return }
      let share = Double(experts.numExpertsPerToken) / Double(experts.numExperts)
      // The chance that some token of the replica chose an expert, so that its weights are read.
      hit = 1 - Self.power(1 - share, tokensPerReplica)
      let chosen = max(1, Int((hit * Double(experts.numExperts)).rounded()))
      imbalance = ExpertChance.imbalance(
        chosen: chosen, blocks: plan.expertSplit(count: experts.numExperts).ranges.map(\.count))
      rows = share * Double(tokensPerReplica)
      if tensor.tensor == .expertGateUp { rows *= 2 }
    case .gateUp: rows = 2 * gathered
    case .down: rows = gathered
    default: rows = Double(tokensPerGroup)
    }
    for rank in bytes.indices {
      let stored = Double(tensor.localBytes[rank] * tensor.count) * hit
      bytes[rank] += stored
      busiestBytes[rank] += stored * imbalance
      multiplyAdds[rank] += Double(tensor.localShapes[rank].reduce(1, *) * tensor.count) * rows
    }
  }

  /// A whole power by squaring.
  static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }
}

/// Chances of routing when every expert is as likely as any other.
enum ExpertChance {
  /// How much more than the average the fullest block holds, when `chosen` different experts are hit.
  ///
  /// Exact: a choice is a set of experts, and all sets are equally likely. Cost: about `chosen`^2 times blocks times
  /// the largest block.
  static func imbalance(chosen: Int, blocks: [Int]) -> Double {
    let all = blocks.reduce(0, +)
    let chosen = min(chosen, all)
    guard blocks.count > 1, chosen > 0, chosen < all else { return 1 }
    let largest = min(chosen, blocks.max() ?? 0)
    // The expectation of the most is the sum over m of the chance that it is above m.
    var expected = 0.0
    for most in 0..<largest { expected += 1 - chance(thatNoneExceeds: most, chosen, blocks) }
    return expected / (Double(chosen) / Double(blocks.count))
  }

  /// Sets of `chosen` experts with at most `most` in each block, over all sets of `chosen`.
  private static func chance(thatNoneExceeds most: Int, _ chosen: Int, _ blocks: [Int]) -> Double {
    // Experts block by block: the chance of having met so many chosen ones, as shares of all sets, so that no
    // number grows.
    var ways = [Double](repeating: 0, count: chosen + 1)
    ways[0] = 1
    var met = 0
    for size in blocks {
      var next = [Double](repeating: 0, count: chosen + 1)
      for have in 0...chosen where ways[have] > 0 {
        for more in 0...min(most, size, chosen - have) {
          next[have + more] += ways[have] * binomial(size, more)
        }
      }
      met += size
      ways = next
    }
    return ways[chosen] / binomial(met, chosen)
  }

  private static func binomial(_ count: Int, _ part: Int) -> Double {
    guard part <= count else { return 0 }
    var result = 1.0
    for index in 0..<min(part, count - part) { result *= Double(count - index) / Double(index + 1) }
    return result
  }

  /// The chance that at least one of a block's experts is among the draws of `tokens`.
  static func ofAny(_ experts: ExpertDimensions, blockSize: Int, tokens: Int) -> Double {
    let none = 1 - Double(blockSize) / Double(experts.numExperts)
    return 1 - StepWork.power(none, tokens * experts.numExpertsPerToken)
  }
}

/// How many messages the exchanges of a step make.
struct ExchangeLoad {
  let tokensPerReplica: Int
  private let tokensPerGroup: Int
  private let plan: ShardPlan

  init(_ plan: ShardPlan, _ options: MeshPlanOptions) {
    self.plan = plan
    tokensPerGroup = options.sequencesPerGroup
    tokensPerReplica = options.sequencesPerGroup * plan.mesh.tokenOwners
  }

  /// What an average rank sends; parts of no bytes make no message.
  func messagesPerRank(_ collective: PlannedCollective) -> Double {
    let others = Double(collective.groupSize - 1)
    switch collective.operation {
    case "embedding-all-gather":
      // The owners of the tokens' rows.
      return others * Double(min(tokensPerGroup, collective.groupSize)) / Double(collective.groupSize)
    case "candidates-gather", "logits-gather": return others / Double(collective.groupSize)
    case "expert-dispatch-all-to-all", "expert-combine-all-to-all", "expert-all-reduce":
      guard case .layer(let layer) = collective.place,
        case .experts(let experts) = plan.model.layers[layer].feedForward
      else { return others }
      let size = experts.numExperts / max(1, plan.mesh.expertRanks)
      return others * ExpertChance.ofAny(experts, blockSize: size, tokens: tokensPerGroup)
    default: return others
    }
  }
}
