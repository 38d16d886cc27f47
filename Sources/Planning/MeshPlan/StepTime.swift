import Topology

/// A predicted decode step: a roofline per host, and exchanges one after the other.
package struct StepTime: Sendable, Hashable {
  /// Reading weights and KV, or multiplying, whichever takes longer, on the busiest host.
  package let computeSeconds: Double
  /// Constant cost of all exchanges.
  package let exchangeSeconds: Double
  /// Bytes of all exchanges over the links.
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
    exchangeSeconds = Double(collectives.count) * machine.exchangeSeconds * turns
    let sent =
      collectives.reduce(0) { $0 + $1.bytesPerToken } * Double(tokensPerReplica) * Double(mesh.shape.dp)
    transferSeconds = sent / Double(bytes.count) / machine.linkBytesPerSecond
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
