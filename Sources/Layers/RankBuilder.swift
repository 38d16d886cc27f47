package import Compute
package import Tensors
internal import Topology

/// Collects one rank's weights, buffers and operations while the layers of a model are laid out.
///
/// Layer builders (`RankBuilder+Attention`, `+DenseMLP`, `+Experts`, `+Ends`) append to it in the order of
/// execution.
package struct RankBuilder: Sendable {
  package let geometry: RankGeometry
  package let limits: StepLimits
  package let hiddenSize: Int
  package let epsilon: Float
  /// Added to every norm weight while loading (1 for Gemma).
  package let normOffset: Float

  package var weights = WeightPlan()
  package var workspace = RegionAllocator(.workspace)
  package var kv = RegionAllocator(.kv)
  package var steps: [ProgramStep] = []
  package var places: StepPlaces
  package var attentionBuffers: AttentionBuffers?
  package var mlpBuffers: MLPBuffers?
  package var expertBuffers: ExpertBuffers?
  package var sharedBuffers: SharedExpertBuffers?
  package var embeddingTable: PackedMatrix?

  package init(
    geometry: RankGeometry, limits: StepLimits, hiddenSize: Int, epsilon: Float, normOffset: Float = 0
  ) {
    self.geometry = geometry
    self.limits = limits
    self.hiddenSize = hiddenSize
    self.epsilon = epsilon
    self.normOffset = normOffset
    places = StepPlaces(
      residual: workspace.take(floats: limits.ownRows * hiddenSize),
      normed: workspace.take(floats: limits.gatheredRows * hiddenSize),
      sum: workspace.take(floats: limits.ownRows * hiddenSize))
  }

  package mutating func append(_ op: Op) { steps.append(.op(op)) }
  package mutating func append(_ sync: SyncPoint) { steps.append(.sync(sync)) }

  /// Plans a norm weight; the model's offset is added once it is loaded.
  package mutating func normWeight(_ tensor: CheckpointTensor) -> Region {
    weights.vector([WeightPiece(tensor, rows: 0..<1)], offset: normOffset)
  }

  /// Plans a whole vector.
  package mutating func vector(_ tensor: CheckpointTensor) -> Region {
    weights.vector([WeightPiece(tensor, rows: 0..<1)])
  }

  /// RMS norm of own rows from `input` to `output`.
  package mutating func norm(
    _ tensor: CheckpointTensor, from input: Region, to output: Region, rows: RowSpace = .own
  ) {
    append(
      .norm(
        NormOp(
          input: input, weight: normWeight(tensor), output: output, width: hiddenSize,
          epsilon: epsilon, rows: rows)))
  }

  /// Where a product finds its rows: at `input`, or rounded in a buffer that all products share, when the
  /// format of `weight` asks for it.
  package mutating func inputs(
    of weight: PackedMatrix, from input: Region, rows: RowSpace
  ) -> Region {
    guard weight.format.roundsInputs else { return input }
    guard let rounded = places.rounded else {
      preconditionFailure("the buffer of rounded rows is not prepared")
    }
    append(.round(RoundOp(input: input, output: rounded, weight: weight, rows: rows)))
    return rounded
  }

  /// Tells how many rows, with how many columns, a product will round at most.
  package mutating func needRounded(rows: Int, columns: Int, leafWidth: Int, format: WeightFormat) {
    guard columns > 0 else { return }
    let bytes = rows * format.roundedRowBytes(QuantGroups(columns: columns, leafWidth: leafWidth))
    places.roundedBytes = max(places.roundedBytes, bytes)
  }

  /// The schedule of a row-parallel matrix whose local columns are `leaves` of `tree`.
  package mutating func schedule(_ sum: SumGeometry, leafWidth: Int) -> LeafSchedule {
    LeafSchedule(
      leafWidth: leafWidth, leafCount: sum.ownLeaves.count, rootCount: sum.rootCounts[sum.ownIndex],
      merges: weights.constant(sum.merges))
  }

  /// Takes part in a row-parallel sum and adds it to the residual stream, through `postNorm` if the model has
  /// one.
  package mutating func finish(_ kind: SumKind, shared: Bool, bias: Region?, postNorm: CheckpointTensor?) {
    if shared { append(.sum(kind)) }
    let direct = postNorm == nil
    append(
      .combine(
        CombineOp(
          target: direct ? places.residual : places.sum, accumulates: direct, width: hiddenSize, sum: kind,
          bias: bias)))
    if let postNorm {
      norm(postNorm, from: places.sum, to: places.sum)
      append(.add(target: places.residual, source: places.sum, width: hiddenSize))
    }
  }
}

/// Buffers that outlive a layer, and those that exchanges read and write.
package struct StepPlaces: Sendable {
  /// Residual stream `[own row][D]`.
  package var residual: Region
  /// Normed input of the projections `[gathered row][D]`.
  package var normed: Region
  /// A complete sum before its norm `[own row][D]`.
  package var sum: Region

  /// Rows rounded for the next product, and the most bytes of them.
  package var rounded: Region?
  package var roundedBytes = 0

  /// Looked-up embedding rows, own first, then each peer's.
  package var embeddings: Region?
  /// Own roots `[root][row][D]` and those of the other members, `[root][own row][D]` each.
  package var roots: Region?
  package var rootStride = 0
  package var receivedRoots: Region?

  package var attentionSum: SumGeometry?
  package var mlpSum: SumGeometry?
  package var sharedSum: SumGeometry?
  package var experts: ExpertPlaces?

  /// Rows that produce logits: normed rows, local logits, gathered logits and candidates.
  package var sampled: Region?
  package var logits: Region?
  package var gatheredLogits: Region?
  package var candidates: Region?
  package var gatheredCandidates: Region?
  /// A checksum of the residual stream for each rank of the attention group, one word each.
  package var digests: Region?
  /// Copies of the residual stream for `--hidden-states`.
  package var captures: Region?
  package var captureCount = 0

  package init(residual: Region, normed: Region, sum: Region) {
    self.residual = residual
    self.normed = normed
    self.sum = sum
  }
}

/// Buffers of the routed experts; all MoE layers share them.
package struct ExpertPlaces: Sendable {
  package var numExperts: Int
  package var numChosen: Int
  /// This rank's experts and slice sums.
  package var experts: Range<Int>
  package var sum: SumGeometry
  /// `[gathered row][k]` chosen experts, `[own row][k]` weights.
  package var chosen: Region
  package var weights: Region
  /// Where routed rows of other groups arrive in the all-to-all form: `k` chosen experts, then D values, per
  /// row.
  package var routedRows: Region
  /// Own results `[root][assignment][D]`, received results per sender.
  package var results: Region
  package var resultStride: Int
  package var receivedResults: Region
}
