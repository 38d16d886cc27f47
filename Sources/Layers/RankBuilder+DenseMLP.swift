package import Compute
package import Tensors
package import Topology

/// What a gated MLP needs to know beyond the rank's ranges.
package struct MLPSettings: Sendable {
  package var intermediateSize: Int
  package var activation: GateActivation
  package var weightFormat: WeightFormat

  package init(intermediateSize: Int, activation: GateActivation, weightFormat: WeightFormat) {
    self.intermediateSize = intermediateSize
    self.activation = activation
    self.weightFormat = weightFormat
  }

  /// The leaves of the down projection: whole packing units of the format.
  package var leaves: ContractionLeaves {
    ContractionLeaves(extent: intermediateSize, granule: weightFormat.leafGranule)
  }
}

/// Tensors of one gated MLP.
package struct MLPTensors: Sendable {
  package var gate: CheckpointTensor
  package var up: CheckpointTensor
  package var down: CheckpointTensor
  /// Gate, up and down biases, in this order; empty without.
  package var biases: [CheckpointTensor]

  package init(
    gate: CheckpointTensor, up: CheckpointTensor, down: CheckpointTensor, biases: [CheckpointTensor] = []
  ) {
    self.gate = gate
    self.up = up
    self.down = down
    self.biases = biases
  }
}

/// Activations inside a gated MLP.
package struct MLPBuffers: Sendable {
  package var gateUp: Region
  package var activated: Region
}

extension RankBuilder {
  /// Rows whose dense MLP this rank computes a slice of, at most.
  private var mlpRows: Int { limits.ownRows * geometry.mlpGroupCount }

  /// Shared buffers of all dense MLP layers; call once, before the first one.
  package mutating func prepareMLP(_ settings: MLPSettings) {
    let (sum, buffers) = makeMLP(settings)
    mlpBuffers = buffers
    places.mlpSum = sum
  }

  /// A sum over the ranks that share a width.
  func mlpSum(_ leaves: ContractionLeaves) -> SumGeometry {
    SumGeometry(
      tree: leaves.tree, split: geometry.plan.widthSplit(leaves: leaves.count), group: geometry.mlpGroup,
      rank: geometry.rank)
  }

  /// The sum of a gated MLP over its ranks, and space for its activations.
  mutating func makeMLP(_ settings: MLPSettings) -> (SumGeometry, MLPBuffers) {
    let sum = mlpSum(settings.leaves)
    let width = settings.leaves.range(ofLeaves: sum.ownLeaves).count
    let buffers = MLPBuffers(
      gateUp: workspace.take(floats: mlpRows * 2 * width), activated: workspace.take(floats: mlpRows * width))
    needRounded(rows: mlpRows, columns: hiddenSize, leafWidth: hiddenSize, format: settings.weightFormat)
    needRounded(
      rows: mlpRows, columns: width, leafWidth: settings.leaves.width, format: settings.weightFormat)
    return (sum, buffers)
  }

  /// Rows of the groups that share the MLP are gathered, its slice is computed, the sum joins the residual
  /// stream.
  package mutating func denseMLP(_ settings: MLPSettings, tensors: MLPTensors, postNorm: CheckpointTensor?) {
    guard let sum = places.mlpSum, let buffers = mlpBuffers else {
      preconditionFailure("MLP buffers are not prepared")
    }
    if geometry.mlpGroupCount > 1 { append(.gatherRows) }
    gatedMLP(settings, tensors: tensors, sum: sum, buffers: buffers)
    let bias = tensors.biases.last.map { vector($0) }
    finish(.mlp, shared: sum.members.count > 1, bias: bias, postNorm: postNorm)
  }

  /// Gate and up (column-parallel, fused), activation, down (row-parallel) into this rank's roots.
  mutating func gatedMLP(_ settings: MLPSettings, tensors: MLPTensors, sum: SumGeometry, buffers: MLPBuffers)
  {
    guard let roots = places.roots else { preconditionFailure("the roots of sums have no place") }
    let columns = settings.leaves.range(ofLeaves: sum.ownLeaves)
    guard !columns.isEmpty else { return }
    let gateUp = weights.matrix(
      [WeightPiece(tensors.gate, rows: columns), WeightPiece(tensors.up, rows: columns)],
      format: settings.weightFormat)
    let bias =
      tensors.biases.isEmpty
      ? nil : weights.vector(tensors.biases.prefix(2).map { WeightPiece($0, columns: columns) })
    let rows = inputs(of: gateUp, from: places.normed, rows: .mlp)
    append(
      .matmul(
        MatmulOp(
          weight: gateUp, input: rows, output: buffers.gateUp, outputStride: gateUp.rows, rows: .mlp,
          bias: bias)))
    append(
      .activate(
        GateOp(
          gateUp: buffers.gateUp, output: buffers.activated, width: columns.count,
          activation: settings.activation, rows: .mlp)))
    let down = weights.matrix(
      [WeightPiece(tensors.down, columns: columns)], format: settings.weightFormat,
      leafWidth: settings.leaves.width)
    let activated = inputs(of: down, from: buffers.activated, rows: .mlp)
    append(
      .leafMatmul(
        LeafMatmulOp(
          weight: down, input: activated, roots: roots, rootStride: places.rootStride, rows: .mlp,
          leaves: schedule(sum, leafWidth: settings.leaves.width))))
  }

  /// Space for the roots of every row-parallel sum of this rank, own and received, and for rounded rows; call
  /// after all layers are prepared.
  package mutating func prepareRoots() {
    if places.roundedBytes > 0 { places.rounded = workspace.take(bytes: places.roundedBytes) }
    let sums = [places.attentionSum, places.mlpSum, places.sharedSum].compactMap { $0 }
    let own = sums.map { $0.rootCounts[$0.ownIndex] }.max() ?? 0
    let received = sums.map { sum in sum.rootCounts.reduce(0, +) - sum.rootCounts[sum.ownIndex] }.max() ?? 0
    places.rootStride = max(mlpRows, limits.ownRows) * hiddenSize
    places.roots = workspace.take(floats: own * places.rootStride)
    places.receivedRoots = workspace.take(floats: received * limits.ownRows * hiddenSize)
  }
}
