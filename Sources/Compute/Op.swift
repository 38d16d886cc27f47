package import Tensors

/// Which rows of the activation buffers an operation works on. Row 0 is always the first token of the rank's
/// own attention group; rows of groups whose tokens were gathered follow.
package enum RowSpace: UInt8, Sendable, BitwiseCopyable {
  /// Tokens of the rank's own attention group.
  case own
  /// Own rows, then those whose experts this rank holds.
  case routed
  /// One row per chosen expert of this rank, sorted by expert.
  case assigned
  /// Own tokens, then those of the groups that share this rank's dense MLP.
  case mlp
  /// The rows that produce logits.
  case sampled
}

/// A weight matrix in packed form (see `PackedLayout`): `rows` output features, `columns` contracted.
package struct PackedMatrix: Sendable, BitwiseCopyable {
  package var region: Region
  package var rows: Int
  package var columns: Int
  package var format: WeightFormat
  /// Columns of a leaf of its contraction: all of them in a column-parallel matrix.
  package var leafWidth: Int

  package init(region: Region, rows: Int, columns: Int, format: WeightFormat, leafWidth: Int) {
    self.region = region
    self.rows = rows
    self.columns = columns
    self.format = format
    self.leafWidth = leafWidth
  }

  /// Bytes in the arena.
  package var byteCount: Int {
    PackedLayout.byteCount(rows: rows, columns: columns, format: format, leafWidth: leafWidth)
  }

  /// Groups of a quantised format.
  package var groups: QuantGroups { QuantGroups(columns: columns, leafWidth: leafWidth) }

  /// Bytes of one row of activations rounded for it.
  package var roundedRowBytes: Int { format.roundedRowBytes(groups) }
}

/// Rounds activations for a product with weights of `format`: f32 rows in, rows of `PackedMatrix.roundedRowBytes` out.
package struct RoundOp: Sendable, BitwiseCopyable {
  package var input: Region
  package var output: Region
  package var format: WeightFormat
  package var layout: QuantGroups
  package var rows: RowSpace

  package init(input: Region, output: Region, weight: PackedMatrix, rows: RowSpace) {
    self.input = input
    self.output = output
    format = weight.format
    layout = weight.groups
    self.rows = rows
  }
}

/// `y = W x (+ bias)` for every row: one ascending chain of fused multiply-adds per element.
///
/// `input` are f32 rows, or what a `RoundOp` made of them when the format asks for it.
package struct MatmulOp: Sendable, BitwiseCopyable {
  package var weight: PackedMatrix
  package var input: Region
  package var output: Region
  package var outputStride: Int
  package var rows: RowSpace
  package var bias: Region?

  package init(
    weight: PackedMatrix, input: Region, output: Region, outputStride: Int, rows: RowSpace,
    bias: Region? = nil
  ) {
    self.weight = weight
    self.input = input
    self.output = output
    self.outputStride = outputStride
    self.rows = rows
    self.bias = bias
  }
}

/// The row-parallel form: partial sums per root of the canonical tree, `[root][row][output]`.
package struct LeafMatmulOp: Sendable, BitwiseCopyable {
  package var weight: PackedMatrix
  package var input: Region
  package var roots: Region
  package var rootStride: Int
  package var rows: RowSpace
  package var leaves: LeafSchedule

  package init(
    weight: PackedMatrix, input: Region, roots: Region, rootStride: Int, rows: RowSpace,
    leaves: LeafSchedule
  ) {
    self.weight = weight
    self.input = input
    self.roots = roots
    self.rootStride = rootStride
    self.rows = rows
    self.leaves = leaves
  }
}

/// How the local contraction range is cut. The additions after each leaf are bytes in the weights arena.
package struct LeafSchedule: Sendable, BitwiseCopyable {
  package var leafWidth: Int
  package var leafCount: Int
  package var rootCount: Int
  package var merges: Region

  package init(
    leafWidth: Int, leafCount: Int, rootCount: Int, merges: Region
  ) {
    self.leafWidth = leafWidth
    self.leafCount = leafCount
    self.rootCount = rootCount
    self.merges = merges
  }
}

/// Completes a canonical sum from everybody's roots and adds it to the residual stream.
package struct CombineOp: Sendable, BitwiseCopyable {
  package var target: Region
  /// Whether the sum is added to the target or replaces it (a norm follows before it joins the residual
  /// stream).
  package var accumulates: Bool
  package var width: Int
  /// Which list of root places applies (`StepTables.setRoots`).
  package var sum: SumKind
  package var bias: Region?

  package init(
    target: Region, accumulates: Bool, width: Int, sum: SumKind, bias: Region? = nil
  ) {
    self.target = target
    self.accumulates = accumulates
    self.width = width
    self.sum = sum
    self.bias = bias
  }
}

/// The row-parallel sums of a layer; all layers share their exchanges.
package enum SumKind: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case attention
  case mlp
  /// The down projection of a shared expert.
  case shared
}

/// RMS norm of rows of `width`.
package struct NormOp: Sendable, BitwiseCopyable {
  package var input: Region
  package var weight: Region
  package var output: Region
  package var width: Int
  package var epsilon: Float
  package var rows: RowSpace

  package init(
    input: Region, weight: Region, output: Region, width: Int, epsilon: Float, rows: RowSpace
  ) {
    self.input = input
    self.weight = weight
    self.output = output
    self.width = width
    self.epsilon = epsilon
    self.rows = rows
  }
}

/// The attention of one layer on this rank: its query heads and the KV heads that they read.
package struct AttentionOp: Sendable, BitwiseCopyable {
  /// Fused projections `[row][q heads | k heads | v heads][headDim]`.
  package var qkv: Region
  /// Result `[row][q heads][headDim]`.
  package var output: Region
  package var queryHeads: Int
  package var kvHeads: Int
  package var headDim: Int
  /// First query head and first KV head of this rank in the whole model, and queries per KV head there.
  package var firstQueryHead: Int
  package var firstKVHead: Int
  package var queriesPerKVHead: Int
  package var queryNorm: Region?
  package var keyNorm: Region?
  package var normEpsilon: Float
  /// Rotary tables `[position][ropeDim / 2]`.
  package var cosines: Region
  package var sines: Region
  package var ropeDim: Int
  package var scale: Float
  /// Soft cap of the attention scores; 0 = none.
  package var softcap: Float
  /// Keys visible including the token itself; 0 = all.
  package var window: Int
  /// This layer's pages in the KV arena.
  package var pool: Region
  package var pageSlots: Int
  /// Bytes of one KV head in one page.
  package var pageHeadBytes: Int
  package var kvFormat: KVFormat

  package init(
    qkv: Region, output: Region, queryHeads: Int, kvHeads: Int, headDim: Int, firstQueryHead: Int,
    firstKVHead: Int, queriesPerKVHead: Int, queryNorm: Region? = nil, keyNorm: Region? = nil,
    normEpsilon: Float, cosines: Region, sines: Region, ropeDim: Int, scale: Float, softcap: Float,
    window: Int, pool: Region,
    pageSlots: Int, pageHeadBytes: Int, kvFormat: KVFormat
  ) {
    self.qkv = qkv
    self.output = output
    self.queryHeads = queryHeads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.firstQueryHead = firstQueryHead
    self.firstKVHead = firstKVHead
    self.queriesPerKVHead = queriesPerKVHead
    self.queryNorm = queryNorm
    self.keyNorm = keyNorm
    self.normEpsilon = normEpsilon
    self.cosines = cosines
    self.sines = sines
    self.ropeDim = ropeDim
    self.scale = scale
    self.softcap = softcap
    self.window = window
    self.pool = pool
    self.pageSlots = pageSlots
    self.pageHeadBytes = pageHeadBytes
    self.kvFormat = kvFormat
  }
}

extension AttentionOp {
  /// Bytes of all KV heads of this rank in one page, and of one head's keys.
  var pageBytes: Int { kvHeads * pageHeadBytes }
  var pageKeyBytes: Int { kvFormat.keyBytes(headDim: headDim, pageSlots: pageSlots) }
}

/// `output = activation(gate) * up`, where each input row holds `width` gates and then `width` ups.
package struct GateOp: Sendable, BitwiseCopyable {
  package var gateUp: Region
  package var output: Region
  package var width: Int
  package var activation: GateActivation
  package var rows: RowSpace

  package init(gateUp: Region, output: Region, width: Int, activation: GateActivation, rows: RowSpace) {
    self.gateUp = gateUp
    self.output = output
    self.width = width
    self.activation = activation
    self.rows = rows
  }
}

/// The non-linearity of a gated MLP.
package enum GateActivation: UInt8, Sendable, BitwiseCopyable {
  case silu
  case geluTanh
}

/// One operation, walked by all threads of the team in lock-step.
package enum Op: Sendable, BitwiseCopyable {
  /// Looks up the rows whose token this rank's vocabulary slice holds, into the staging area.
  case embed(table: PackedMatrix, scale: Float, output: Region)
  /// Copies staged embedding rows into the residual stream.
  case placeEmbeddings(output: Region, width: Int)
  case norm(NormOp)
  case round(RoundOp)
  case matmul(MatmulOp)
  case leafMatmul(LeafMatmulOp)
  case combine(CombineOp)
  case writeKeysAndValues(AttentionOp)
  case attend(AttentionOp)
  case activate(GateOp)
  /// `target += source` on own rows.
  case add(target: Region, source: Region, width: Int)
  case route(RouterOp)
  case expertGateUp(ExpertsOp)
  case expertActivate(ExpertsOp)
  case expertDown(ExpertsOp)
  case expertCombine(ExpertCombineOp)
  case pickSampledRows(input: Region, output: Region, width: Int)
  /// `cap * tanh(x / cap)` on local logits.
  case softcap(logits: Region, width: Int, cap: Float)
  case localMaximum(logits: Region, width: Int, firstToken: Int, output: Region)
  /// Keeps a copy of the residual stream for `logits --hidden-states`.
  case capture(input: Region, index: Int, width: Int)
}
