import Tensors
package import Topology

/// One kind of weight of a model: where it occurs, how it is split, and what every rank holds of it.
package struct TensorPlan: Sendable {
  package let tensor: TensorName
  /// What it is in the model, for example `q_bias`; usually the tensor's own name.
  package let name: String
  /// The layers that have one each; empty when the model has a single one.
  package let layers: [Int]
  /// Elements per dim of the whole tensor.
  package let shape: [Int]
  /// Elements per dim of each rank's part.
  package let localShapes: [[Int]]
  /// Bytes of each rank's part as it is stored, in one layer.
  package let localBytes: [Int]
  /// Bytes of one whole copy as it would be stored without padding, in one layer.
  package let wholeBytes: Int

  /// How often the model has it.
  package var count: Int { max(1, layers.count) }

  /// Axes of each dim; empty where it is whole on every rank.
  package var axes: [[MeshAxis]] { shape.indices.map { TensorAxisRules.runtime[tensor][dim: $0] } }

  /// Bytes of all ranks and layers beyond one copy: replication and padding together.
  package var extraBytes: Int { (localBytes.reduce(0, +) - wholeBytes) * count }

  /// Copies of an element on the mesh, on average.
  package var copies: Double {
    let whole = Double(shape.reduce(1, *))
    return localShapes.reduce(0) { $0 + Double($1.reduce(1, *)) } / whole
  }
}
