internal import Tensors

extension StepWalker {
  /// Local experts with the assignments of each: `(expert, first assignment, count)`.
  private func forEachExpert(_ op: ExpertsOp, _ body: (Int, Int, Int) -> Void) {
    for expert in 0..<op.expertCount {
      let start = Int(tables.experts.starts[expert])
      let count = Int(tables.experts.starts[expert + 1]) - start
      if count > 0 { body(expert, start, count) }
    }
  }

  func expertGateUp(_ op: ExpertsOp) {
    let panels = panelShare(rows: op.gateUp.rows)
    guard !panels.isEmpty else { return }
    forEachExpert(op) { expert, start, count in
      let weights = unsafe bases.raw(op.gateUp.region) + expert * op.gateUpStride
      if op.gateUp.format.roundsInputs {
        return unsafe roundedMatmul(
          op.gateUp, at: weights, panels: panels, input: op.input,
          xRows: UnsafePointer(tables.experts.rowOfAssignment.base + start), rows: count, leaves: nil,
          y: bases.floats(op.hidden) + start * op.gateUp.rows, yStride: op.gateUp.rows, rootStride: 0,
          bias: nil)
      }
      unsafe kernels.matmul(
        weights: weights, type: op.gateUp.format.dtype, panels: panels,
        inputs: op.gateUp.columns, outputs: op.gateUp.rows, x: bases.floats(op.input), xStride: op.hiddenSize,
        xRows: tables.experts.rowOfAssignment.base + start, rows: count,
        y: bases.floats(op.hidden) + start * op.gateUp.rows, yStride: op.gateUp.rows, bias: nil)
    }
  }

  func expertActivate(_ op: ExpertsOp) {
    unsafe gate(
      bases.floats(op.hidden), bases.floats(op.activated), rows: Int(tables.experts.starts[op.expertCount]),
      width: op.width, activation: op.activation)
  }

  func expertDown(_ op: ExpertsOp) {
    let panels = panelShare(rows: op.down.rows)
    guard !panels.isEmpty else { return }
    forEachExpert(op) { expert, start, count in
      let weights = unsafe bases.raw(op.down.region) + expert * op.downStride
      if op.down.format.roundsInputs {
        var input = op.downInput
        input.byteOffset += start * op.down.roundedRowBytes
        return unsafe roundedMatmul(
          op.down, at: weights, panels: panels, input: input, xRows: nil, rows: count, leaves: op.leaves,
          y: bases.floats(op.roots) + start * op.hiddenSize, yStride: op.hiddenSize,
          rootStride: op.rootStride, bias: nil)
      }
      unsafe kernels.matmulLeaves(
        weights: weights, type: op.down.format.dtype, panels: panels,
        inputs: op.down.columns, outputs: op.down.rows, x: bases.floats(op.activated) + start * op.width,
        xStride: op.width, xRows: nil, rows: count, leafWidth: op.leaves.leafWidth,
        leafCount: op.leaves.leafCount,
        merges: bases.raw(op.leaves.merges).assumingMemoryBound(to: UInt8.self),
        y: bases.floats(op.roots) + start * op.hiddenSize, yStride: op.hiddenSize, rootStride: op.rootStride)
    }
  }

  /// residual += (sum over slots, ascending, of weight x canonical sum of the slot's expert) + shared expert.
  func expertCombine(_ op: ExpertCombineOp) {
    // Two chunks of floats are 1024 bytes: the most that a temporary allocation takes from the stack.
    let chunk = 128
    let chunks = (op.width + chunk - 1) / chunk
    let slices = tables.experts.rootsOfSlice.count
    let start = unsafe bases.floats(Region(arena: .workspace, byteOffset: 0))
    unsafe withUnsafeTemporaryAllocation(
      of: UnsafePointer<Float>.self, capacity: tables.experts.completion.count
    ) {
      roots in
      unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * chunk) { scratch in
        guard let value = scratch.baseAddress, let first = roots.baseAddress else { return }
        let sum = unsafe value + chunk
        for unit in share(tables.ownRows * chunks) {
          let row = unit / chunks
          let column = unit % chunks * chunk
          let count = min(chunk, op.width - column)
          unsafe sum.initialize(repeating: 0, count: count)
          for slot in 0..<op.numChosen {
            let pair = row * op.numChosen + slot
            var rootCount = 0
            for slice in 0..<slices {
              let place = tables.experts.resultPlaces[pair * slices + slice]
              let stride = tables.experts.resultStrides[pair * slices + slice]
              for root in 0..<Int(tables.experts.rootsOfSlice[slice]) {
                unsafe roots.initializeElement(
                  at: rootCount, to: UnsafePointer(start + place + root * stride + column))
                rootCount += 1
              }
            }
            unsafe kernels.treeCombine(
              roots: UnsafePointer(first), merges: tables.experts.completion.base, rootCount: rootCount,
              rootStride: 0,
              rows: 0..<1, columns: 0..<count, y: value, yStride: 0, residual: nil, residualStride: 0,
              bias: nil)
            unsafe kernels.scaledAccumulate(
              y: sum, x: value, scale: bases.floats(op.weights)[pair], count: count)
          }
          unsafe addShared(op, row: row, column: column, count: count, sum: sum, scratch: value)
          unsafe kernels.addInPlace(
            y: bases.floats(op.residual) + row * op.width + column, x: sum, count: count)
        }
      }
    }
  }

  /// `sum += sigmoid(gate) x shared`, or `+= shared` without a gate.
  private func addShared(
    _ op: ExpertCombineOp, row: Int, column: Int, count: Int, sum: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>
  ) {
    guard let shared = op.shared else { return }
    let values = unsafe bases.floats(shared) + row * op.width + column
    guard let gate = op.sharedGate else {
      unsafe kernels.addInPlace(y: sum, x: values, count: count)
      return
    }
    unsafe kernels.sigmoid(x: bases.floats(gate) + row, y: scratch, count: 1)
    unsafe kernels.scaledAccumulate(y: sum, x: values, scale: scratch[0], count: count)
  }
}
