package import Parsing
package import Topology

/// How many rows each expert of each MoE layer got in a run.
package struct ExpertLoad: Sendable, Hashable {
  package struct Layer: Sendable, Hashable {
    /// Layer of the model.
    package let layer: Int
    package let rows: [UInt64]

    /// Rows of the busiest expert over those of an average one; 1 is even. 0 without rows.
    package var imbalance: Double {
      let total = rows.reduce(0, +)
      guard total > 0, let most = rows.max() else { return 0 }
      return Double(most) * Double(rows.count) / Double(total)
    }
  }

  package let layers: [Layer]

  /// - Parameter counts: layer-major, as the engine counts them.
  package init(_ counts: [UInt64], plan: ShardPlan) {
    var layers: [Layer] = []
    var first = 0
    for (layer, dimensions) in plan.model.layers.enumerated() {
      guard case .experts(let experts) = dimensions.feedForward else { continue }
      let end = first + experts.numExperts
      guard end <= counts.count else { break }
      layers.append(Layer(layer: layer, rows: Array(counts[first..<end])))
      first = end
    }
    self.layers = layers
  }

  /// `[{"layer", "rows_per_expert", "imbalance"}]`
  package var json: JSONValue {
    .array(
      layers.map { layer in
        .members([
          "layer": .count(layer.layer),
          "rows_per_expert": .array(layer.rows.map { .integer(Int64(clamping: $0)) }),
          "imbalance": .number(layer.imbalance),
        ])
      })
  }
}
