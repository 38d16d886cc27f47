package import ModelConfigs
package import Parsing
internal import Topology

/// Predicted decode of one model on clusters that need not exist, one row for each node count.
///
/// The prediction is that of `plan` (`StepTime`), with the cluster's memory, links and round trips. Where no mesh
/// is given, every mesh of the right size whose degrees divide it is predicted, and the one with the most tokens
/// per second is taken. Cost: for a world of 2^k ranks about k^2 plans.
package struct ClusterSimulation: Sendable {
  package struct Row: Sendable {
    package let nodes: Int
    package let plan: MeshPlan
    package let sequences: Int

    package var tokensPerSecond: Double { Double(sequences) / plan.stepTime.seconds }
    /// Of the fullest node, in bytes.
    package let weightBytesPerNode: Int
  }

  package let cluster: ClusterDescription
  package let rows: [Row]

  /// Throws: one sentence when the given mesh cannot hold the model, or no mesh of some node count can.
  package init(
    _ cluster: ClusterDescription, config: ModelConfig, textConfig: JSONObject, options: MeshPlanOptions
  ) throws(PlanningError) {
    self.cluster = cluster
    var rows: [Row] = []
    for nodes in cluster.nodes {
      var best: Row?
      var refusal: PlanningError?
      for shape in try Self.shapes(cluster, nodes: nodes, config) {
        do throws(PlanningError) {
          let row = try Self.row(cluster, nodes, shape, config, textConfig, options)
          if row.tokensPerSecond > best?.tokensPerSecond ?? 0 { best = row }
        } catch {
          refusal = error
        }
      }
      guard let best else {
        throw refusal ?? PlanningError("--simulate finds no mesh for \(nodes) nodes.")
      }
      rows.append(best)
    }
    self.rows = rows
  }

  private static func row(
    _ cluster: ClusterDescription, _ nodes: Int, _ shape: MeshShape, _ config: ModelConfig,
    _ textConfig: JSONObject, _ options: MeshPlanOptions
  ) throws(PlanningError) -> Row {
    var options = options
    let groups = shape.dp * shape.attnDP * shape.attnDPExpert
    options.machine = cluster.machine
    options.machine.ranksPerHost = (shape.worldSize + nodes - 1) / nodes
    options.contextLength = cluster.contextLength
    options.sequencesPerGroup = max(1, ((cluster.batch ?? groups) + groups - 1) / groups)
    let plan = try MeshPlan(config: config, textConfig: textConfig, shape: shape, options: options)
    let perNode = options.machine.ranksPerHost ?? 1
    let weights = stride(from: 0, to: plan.ranks.count, by: perNode).map { first in
      plan.ranks[first..<min(first + perNode, plan.ranks.count)].reduce(0) { $0 + $1.weightBytes }
    }
    return Row(
      nodes: nodes, plan: plan, sequences: cluster.batch ?? groups, weightBytesPerNode: weights.max() ?? 0)
  }

  /// The given mesh, or all whose degrees multiply to the number of ranks; experts are spread over
  /// `attn_dp_expert` as well as `ep`.
  private static func shapes(
    _ cluster: ClusterDescription, nodes: Int, _ config: ModelConfig
  ) throws(PlanningError) -> [MeshShape] {
    if !cluster.degrees.isEmpty {
      let given = cluster.degrees
      do {
        return [
          try MeshShape(
            dp: given[.data] ?? 1, attnDP: given[.attnDP] ?? 1, attnDPExpert: given[.attnDPExpert] ?? 1,
            ep: given[.expert] ?? 1, tp: given[.model] ?? 1)
        ]
      } catch {
        throw PlanningError("\(error)")
      }
    }
    let world = nodes * cluster.ranksPerNode
    guard world <= MeshShape.maximumWorldSize else {
      throw PlanningError(
        "--simulate asks for \(nodes) nodes of \(cluster.ranksPerNode) ranks, \(world) in all; at most "
          + "\(MeshShape.maximumWorldSize) can be planned.")
    }
    var shapes: [MeshShape] = []
    for tp in divisors(world) {
      for ep in divisors(world / tp) where config.moe != nil || ep == 1 {
        let owners = world / tp / ep
        if let shape = try? MeshShape(attnDP: owners, ep: ep, tp: tp) { shapes.append(shape) }
        if config.moe != nil, owners > 1, let shape = try? MeshShape(attnDPExpert: owners, ep: ep, tp: tp) {
          shapes.append(shape)
        }
        if let shape = try? MeshShape(dp: owners, ep: ep, tp: tp), owners > 1 { shapes.append(shape) }
      }
    }
    return shapes
  }

  private static func divisors(_ number: Int) -> [Int] { (1...number).filter { number % $0 == 0 } }
}
