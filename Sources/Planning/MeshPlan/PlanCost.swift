import ModelConfigs
import Parsing
import Tensors
import Topology

/// What padding and replication cost, in bytes over the whole mesh.
package struct PlanCost: Sendable, Hashable {
  /// What it is for, as a noun phrase.
  package let reason: String
  package let bytes: Int
  package let unit: Unit

  package enum Unit: String, Sendable {
    case weights = "of weights"
    case cachePerToken = "of cache per token"
    /// What the original would spend and this runtime does not.
    case avoidedWeights = "of weights avoided"
  }

  static func all(
    tensors: [TensorPlan], kvBytesPerToken: [Int], translation: ModelTranslation, _ shards: ShardPlan,
    _ config: ModelConfig, _ options: MeshPlanOptions
  ) -> [PlanCost] {
    let mesh = shards.mesh
    var costs = tensors.filter { $0.extraBytes > 0 }.map { tensor in
      PlanCost(reason: "\(tensor.name): \(reason(tensor))", bytes: tensor.extraBytes, unit: .weights)
    }
    let once = config.numKVHeads * options.kvFormat.bytesPerToken(headDim: config.headDim) * config.numLayers
    let group = mesh.attentionGroup(of: 0).ranks.reduce(0) { $0 + kvBytesPerToken[$1] }
    if group > once {
      costs.append(
        PlanCost(
          reason: "KV heads kept more than once per sequence", bytes: group - once, unit: .cachePerToken))
    }
    if let moe = config.moe, let padded = translation.overrides["padded_base_moe_mlp_dim"]?.int,
      translation.log.contains(where: { $0.kind == .moePad }), padded > moe.intermediateSize
    {
      let elementBytes = options.weightFormat == .bf16 ? 2 : 4
      let columns = 3 * config.hiddenSize * moe.numExperts * moe.isSparse.count { $0 }
      costs.append(
        PlanCost(
          reason:
            "experts stay \(moe.intermediateSize) wide instead of \(padded), as uneven shares need no "
            + "padding",
          bytes: (padded - moe.intermediateSize).multipliedReportingOverflow(by: columns * elementBytes)
            .partialValue,
          unit: .avoidedWeights))
    }
    return costs
  }

  /// Replication, padding of rows, or both.
  private static func reason(_ tensor: TensorPlan) -> String {
    let copies = tensor.copies
    let isWhole = (copies - copies.rounded()).magnitude < 1e-6
    let held = "held \(ByteText.decimal(copies, isWhole ? 0 : 2)) times"
    let padding = "rows padded to whole vectors"
    if copies < 1.000_001 { return padding }
    let stored = tensor.localBytes.reduce(0, +)
    return Double(stored) > copies * Double(tensor.wholeBytes) * 1.000_001 ? "\(held), \(padding)" : held
  }
}
