import Topology

/// A predicted decode step: a roofline per host, and exchanges one after the other.
package struct StepTime: Sendable, Hashable {
  /// Reading weights and KV, or multiplying, whichever takes longer, on the busiest host.
  package let computeSeconds: Double
  /// Constant cost of all exchanges.
  package let exchangeSeconds: Double
  /// Bytes of all exchanges inside hosts and over the links between them.
  package let transferSeconds: Double

  package var seconds: Double { computeSeconds + exchangeSeconds + transferSeconds }

  init(
    tensors: [TensorPlan], collectives: [PlannedCollective], kvBytesPerToken: [Int], plan: ShardPlan,
    options: MeshPlanOptions
  ) {
    let machine = options.machine
    let mesh = plan.mesh
    let tokensPerReplica = options.sequencesPerGroup * mesh.tokenOwners
    let perHost = max(1, min(machine.ranksPerHost ?? mesh.worldSize, mesh.worldSize))
    var bytes = [Double](repeating: 0, count: (mesh.worldSize + perHost - 1) / perHost)
    var products = bytes
    for rank in mesh.ranks {
      let read = Self.work(of: rank, tensors, tokensPerReplica: tokensPerReplica, plan, options)
      bytes[rank / perHost] += read.bytes
      bytes[rank / perHost] +=
        Double(kvBytesPerToken[rank]) * Double(options.sequencesPerGroup) * Double(options.contextLength)
      products[rank / perHost] += read.multiplyAdds
    }
    computeSeconds =
      zip(bytes, products).map {
        max($0 / machine.memoryBytesPerSecond, $1 / machine.multiplyAddsPerSecond)
      }.max() ?? 0
    let turns = max(1, Double(perHost) / Double(max(1, machine.coresPerHost ?? perHost)))
    let sentRows = Double(tokensPerReplica) * Double(mesh.shape.dp) / Double(bytes.count)
    var (exchanges, transfers) = (0.0, 0.0)
    for collective in collectives {
      let isRemote = !Self.staysInsideHosts(collective.group, mesh, ranksPerHost: perHost)
      exchanges += machine.exchangeSeconds * turns + (isRemote ? machine.remoteRoundTripSeconds : 0)
      transfers +=
        collective.bytesPerToken * sentRows
        / (isRemote ? machine.linkBytesPerSecond : machine.localBytesPerSecond)
    }
    exchangeSeconds = exchanges
    transferSeconds = transfers
  }

  /// Whether no group of the kind has ranks on two hosts, each of which has `ranksPerHost` consecutive ranks.
  private static func staysInsideHosts(_ kind: MeshGroup, _ mesh: Mesh, ranksPerHost: Int) -> Bool {
    if ranksPerHost >= mesh.worldSize { return true }
    // Steps of one along the kind's axes: when each of them stays inside a host, so does the group.
    return kind.axes.allSatisfy { axis in
      guard mesh.shape[axis] > 1 else { return true }
      let inner = MeshAxis.allCases.drop { $0 != axis }.dropFirst().reduce(1) { $0 * mesh.shape[$1] }
      return ranksPerHost % (inner * mesh.shape[axis]) == 0
    }
  }

  /// Bytes of weights that a rank reads and multiply-adds that it does, for every row that reaches it.
  private static func work(
    of rank: Int, _ tensors: [TensorPlan], tokensPerReplica: Int, _ plan: ShardPlan,
    _ options: MeshPlanOptions
  ) -> (bytes: Double, multiplyAdds: Double) {
    let ownTokens = Double(options.sequencesPerGroup)
    let gathered = ownTokens * Double(plan.mesh.shape.attnDP)
    var (bytes, products) = (0.0, 0.0)
    for tensor in tensors {
      let stored = Double(tensor.localBytes[rank] * tensor.count)
      let elements = Double(tensor.localShapes[rank].reduce(1, *) * tensor.count)
      switch tensor.tensor {
      case .embedding: continue
      case .expertGateUp, .expertDown:
        let experts = tensor.shape[0]
        let chosen = Double(expertsPerToken(plan, layer: tensor.layers[0]))
        let share = chosen / Double(experts)
        // The chance that some token of the replica chose an expert, so that its weights are read.
        bytes += stored * (1 - power(1 - share, tokensPerReplica))
        products += elements * (tensor.tensor == .expertGateUp ? 2 : 1) * share * Double(tokensPerReplica)
      case .gateUp, .down:
        bytes += stored
        products += elements * (tensor.tensor == .gateUp ? 2 : 1) * gathered
      default:
        bytes += stored
        products += elements * ownTokens
      }
    }
    return (bytes, products)
  }

  private static func expertsPerToken(_ plan: ShardPlan, layer: Int) -> Int {
    if case .experts(let experts) = plan.model.layers[layer].feedForward { return experts.numExpertsPerToken }
    return 0
  }

  /// A whole power by squaring.
  private static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }
}
