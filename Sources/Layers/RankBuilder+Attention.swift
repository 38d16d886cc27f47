internal import Compute
package import Tensors
internal import Topology

/// What an attention layer needs to know beyond the rank's ranges.
package struct AttentionSettings: Sendable {
  package var headDim: Int
  package var numQueryHeads: Int
  package var numKVHeads: Int
  package var ropeDim: Int
  package var scale: Float
  package var softcap: Float
  package var pageSlots: Int
  package var numPages: Int
  package var kvFormat: KVFormat
  package var weightFormat: WeightFormat

  package init(
    headDim: Int, numQueryHeads: Int, numKVHeads: Int, ropeDim: Int, scale: Float, softcap: Float,
    pageSlots: Int, numPages: Int, kvFormat: KVFormat,
    weightFormat: WeightFormat
  ) {
    self.headDim = headDim
    self.numQueryHeads = numQueryHeads
    self.numKVHeads = numKVHeads
    self.ropeDim = ropeDim
    self.scale = scale
    self.softcap = softcap
    self.pageSlots = pageSlots
    self.numPages = numPages
    self.kvFormat = kvFormat
    self.weightFormat = weightFormat
  }

  /// Bytes of one KV head in one page: keys, then values.
  package var pageHeadBytes: Int {
    Self.pageHeadBytes(headDim: headDim, pageSlots: pageSlots, kvFormat: kvFormat)
  }

  package static func pageHeadBytes(headDim: Int, pageSlots: Int, kvFormat: KVFormat) -> Int {
    kvFormat.keyBytes(headDim: headDim, pageSlots: pageSlots)
      + kvFormat.valueBytes(headDim: headDim, pageSlots: pageSlots)
  }
}

/// Tensors of one attention layer.
package struct AttentionTensors: Sendable {
  package var query: CheckpointTensor
  package var key: CheckpointTensor
  package var value: CheckpointTensor
  package var output: CheckpointTensor
  /// Query, key and value biases, in this order.
  package var projectionBias: [CheckpointTensor]
  package var outputBias: CheckpointTensor?
  /// Query and key norms, in this order.
  package var headNorms: [CheckpointTensor]

  package init(
    query: CheckpointTensor, key: CheckpointTensor, value: CheckpointTensor, output: CheckpointTensor,
    projectionBias: [CheckpointTensor], outputBias: CheckpointTensor?, headNorms: [CheckpointTensor]
  ) {
    self.query = query
    self.key = key
    self.value = value
    self.output = output
    self.projectionBias = projectionBias
    self.outputBias = outputBias
    self.headNorms = headNorms
  }
}

extension RankBuilder {
  /// Shared buffers of all attention layers; call once, before the first one.
  package mutating func prepareAttention(_ settings: AttentionSettings) {
    let heads = geometry.queryHeads.count + 2 * geometry.kvHeads.count
    attentionBuffers = AttentionBuffers(
      qkv: workspace.take(floats: limits.ownRows * heads * settings.headDim),
      output: workspace.take(floats: limits.ownRows * geometry.queryHeads.count * settings.headDim))
    needRounded(
      rows: limits.ownRows, columns: hiddenSize, leafWidth: hiddenSize, format: settings.weightFormat)
    needRounded(
      rows: limits.ownRows, columns: geometry.queryHeads.count * settings.headDim,
      leafWidth: settings.headDim, format: settings.weightFormat)
    places.attentionSum = SumGeometry(
      tree: CanonicalTree(leafCount: settings.numQueryHeads),
      split: geometry.plan.headSplit(count: settings.numQueryHeads), group: geometry.headGroup,
      rank: geometry.rank)
  }

  /// Normed rows -> fused q|k|v (column-parallel) -> KV pages -> paged attention -> output projection
  /// (row-parallel).
  package mutating func attention(
    _ settings: AttentionSettings, tensors: AttentionTensors, rope: RotaryTables, window: Int,
    postNorm: CheckpointTensor?
  ) {
    guard let sum = places.attentionSum, let buffers = attentionBuffers, let roots = places.roots else {
      preconditionFailure("attention buffers are not prepared")
    }
    let dim = settings.headDim
    if !geometry.queryHeads.isEmpty {
      let qkv = weights.matrix(
        zip([tensors.query, tensors.key, tensors.value], headRows(dim)).map { WeightPiece($0, rows: $1) },
        format: settings.weightFormat)
      let bias =
        tensors.projectionBias.isEmpty
        ? nil
        : weights.vector(
          zip(tensors.projectionBias, headRows(dim)).map { WeightPiece($0, columns: $1) })
      let rows = inputs(of: qkv, from: places.normed, rows: .own)
      append(
        .matmul(
          MatmulOp(
            weight: qkv, input: rows, output: buffers.qkv, outputStride: qkv.rows, rows: .own,
            bias: bias)))
      let op = attentionOp(settings, tensors: tensors, rope: rope, window: window, buffers: buffers)
      append(.writeKeysAndValues(op))
      append(.attend(op))
      let columns = geometry.queryHeads.lowerBound * dim..<geometry.queryHeads.upperBound * dim
      let output = weights.matrix(
        [WeightPiece(tensors.output, columns: columns)], format: settings.weightFormat, leafWidth: dim)
      let attended = inputs(of: output, from: buffers.output, rows: .own)
      append(
        .leafMatmul(
          LeafMatmulOp(
            weight: output, input: attended, roots: roots, rootStride: places.rootStride, rows: .own,
            leaves: schedule(sum, leafWidth: dim))))
    }
    let bias = tensors.outputBias.map { vector($0) }
    finish(.attention, shared: sum.members.count > 1, bias: bias, postNorm: postNorm)
  }

  /// Rows of the query, key and value projections that this rank's heads take.
  private func headRows(_ dim: Int) -> [Range<Int>] {
    [geometry.queryHeads, geometry.kvHeads, geometry.kvHeads].map {
      $0.lowerBound * dim..<$0.upperBound * dim
    }
  }

  private mutating func attentionOp(
    _ settings: AttentionSettings, tensors: AttentionTensors, rope: RotaryTables, window: Int,
    buffers: AttentionBuffers
  ) -> AttentionOp {
    AttentionOp(
      qkv: buffers.qkv, output: buffers.output, queryHeads: geometry.queryHeads.count,
      kvHeads: geometry.kvHeads.count, headDim: settings.headDim,
      firstQueryHead: geometry.queryHeads.lowerBound,
      firstKVHead: geometry.kvHeads.lowerBound,
      queriesPerKVHead: settings.numQueryHeads / settings.numKVHeads,
      queryNorm: tensors.headNorms.first.map { normWeight($0) },
      keyNorm: tensors.headNorms.last.map { normWeight($0) },
      normEpsilon: epsilon, cosines: rope.cosines, sines: rope.sines, ropeDim: settings.ropeDim,
      scale: settings.scale, softcap: settings.softcap, window: window,
      pool: kv.take(bytes: settings.numPages * geometry.kvHeads.count * settings.pageHeadBytes),
      pageSlots: settings.pageSlots, pageHeadBytes: settings.pageHeadBytes, kvFormat: settings.kvFormat)
  }
}

/// Where a layer's rotary tables lie, `[position][pair]` each.
package struct RotaryTables: Sendable, Hashable {
  package var cosines: Region
  package var sines: Region

  package init(cosines: Region, sines: Region) {
    self.cosines = cosines
    self.sines = sines
  }
}

/// Activations between the projections of an attention layer.
package struct AttentionBuffers: Sendable {
  package var qkv: Region
  package var output: Region
}
