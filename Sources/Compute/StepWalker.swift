internal import Tensors

/// One thread's view of a step: its share of every operation.
///
/// Shares are disjoint: column-parallel operations split panels of 16 output rows, row-wise ones split rows
/// or columns. No share changes the order of any sum, so the number of threads never changes a bit.
@safe struct StepWalker {
  let bases: StepBases
  let tables: StepTables
  let kernels: KernelTable
  let thread: Int
  let threads: Int

  /// This thread's part of `count` units.
  @inline(__always)
  func share(_ count: Int) -> Range<Int> { count * thread / threads..<count * (thread + 1) / threads }

  /// This thread's panels of a matrix of `rows` output rows: whole blocks where there are enough of them,
  /// because a block is one stream.
  @inline(__always)
  func panelShare(rows: Int) -> Range<Int> {
    let panels = PackedLayout.panelCount(rows: rows)
    let blocks = panels / PackedLayout.panelsPerBlock
    guard blocks >= 4 * threads else { return share(panels) }
    let own = share(blocks)
    let end = thread == threads - 1 ? panels : own.upperBound * PackedLayout.panelsPerBlock
    return own.lowerBound * PackedLayout.panelsPerBlock..<end
  }

  /// Runs this thread's share of `op`.
  func run(_ op: Op) {
    switch op {
    case .embed(let table, let scale, let output): embed(table, scale: scale, output: output)
    case .placeEmbeddings(let output, let width): placeEmbeddings(output: output, width: width)
    case .norm(let op): norm(op)
    case .round(let op): round(op)
    case .matmul(let op): matmul(op)
    case .leafMatmul(let op): leafMatmul(op)
    case .combine(let op): combine(op)
    case .add(let target, let source, let width): add(target: target, source: source, width: width)
    case .writeKeysAndValues(let op): writeKeysAndValues(op)
    case .attend(let op): attend(op)
    case .activate(let op): activate(op)
    case .route(let op): route(op)
    case .expertGateUp(let op): expertGateUp(op)
    case .expertActivate(let op): expertActivate(op)
    case .expertDown(let op): expertDown(op)
    case .expertCombine(let op): expertCombine(op)
    case .pickSampledRows(let input, let output, let width):
      pickSampledRows(input: input, output: output, width: width)
    case .softcap(let logits, let width, let cap): softcap(logits: logits, width: width, cap: cap)
    case .localMaximum(let logits, let width, let firstToken, let output):
      localMaximum(logits: logits, width: width, firstToken: firstToken, output: output)
    case .capture(let input, let index, let width): capture(input: input, index: index, width: width)
    }
  }
}
