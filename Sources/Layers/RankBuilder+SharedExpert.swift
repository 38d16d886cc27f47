internal import Compute
package import Tensors
internal import Topology

/// The expert of a MoE layer that every row visits: a gated MLP, perhaps weighed by a sigmoid of the row.
package struct SharedExpertTensors: Sendable {
  package var mlp: MLPTensors
  /// One row of D; nil adds the output as it is.
  package var outputGate: CheckpointTensor?

  package init(mlp: MLPTensors, outputGate: CheckpointTensor?) {
    self.mlp = mlp
    self.outputGate = outputGate
  }
}

/// Activations of the shared experts.
package struct SharedExpertBuffers: Sendable {
  package var mlp: MLPBuffers
  /// `[own row]` values before the sigmoid.
  package var gate: Region
}

extension RankBuilder {
  /// Shared buffers of all shared experts; call once, before `prepareRoots`.
  package mutating func prepareSharedExpert(_ settings: MLPSettings) {
    let (sum, buffers) = makeMLP(settings)
    places.sharedSum = sum
    sharedBuffers = SharedExpertBuffers(mlp: buffers, gate: workspace.take(floats: limits.ownRows))
  }

  /// Computes the shared expert of own rows into `places.sum`, and the value that its sigmoid is taken of;
  /// both join the row's output after the routed experts.
  ///
  /// It runs before routed rows arrive, because those take the places of other groups' rows.
  mutating func sharedExpert(
    _ settings: MLPSettings, tensors: SharedExpertTensors, gateFormat: WeightFormat
  ) {
    guard let sum = places.sharedSum, let buffers = sharedBuffers else {
      preconditionFailure("buffers of the shared experts are not prepared")
    }
    if geometry.mesh.tokenOwners > 1 { append(.gatherSharedRows) }
    if let gate = tensors.outputGate {
      let weight = weights.matrix([WeightPiece(gate, rows: 0..<1)], format: gateFormat)
      append(
        .matmul(
          MatmulOp(weight: weight, input: places.normed, output: buffers.gate, outputStride: 1, rows: .own)))
    }
    gatedMLP(settings, tensors: tensors.mlp, sum: sum, buffers: buffers.mlp)
    if sum.members.count > 1 { append(.sum(.shared)) }
    append(
      .combine(CombineOp(target: places.sum, accumulates: false, width: hiddenSize, sum: .shared)))
  }
}
