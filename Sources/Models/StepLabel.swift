internal import Compute
internal import Layers
internal import Topology

/// What an element of a step program is, for people.
package struct StepLabel: Sendable, Hashable {
  package var name: String
  /// Layer of the model; nil before the first and after the last.
  package var layer: Int?
  /// A point at which ranks exchange, rather than an operation.
  package var isExchange: Bool

  /// One for each element; a layer begins where its input is captured.
  package static func labels(of program: RankProgram) -> [StepLabel] {
    var layer: Int?
    let numLayers = program.geometry.plan.model.layers.count
    return program.program.steps.map { step in
      switch step {
      case .op(let op):
        if case .capture(_, let index, _) = op { layer = index < numLayers ? index : nil }
        return StepLabel(name: op.name, layer: layer, isExchange: false)
      case .sync(let point): return StepLabel(name: point.name, layer: layer, isExchange: true)
      }
    }
  }
}
