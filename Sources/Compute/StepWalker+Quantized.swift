internal import Tensors

extension StepWalker {
  /// Rounds activations; split over rows and stretches of groups, so that one decode row still occupies all
  /// threads.
  func quantize(_ op: QuantizeOp) {
    let stretch = 16
    let groups = op.layout.count
    let stretches = (groups + stretch - 1) / stretch
    let work = share(tables.rowCount(op.rows) * stretches)
    var unit = work.lowerBound
    while unit < work.upperBound {
      let row = unit / stretches
      let first = unit % stretches
      let last = min(stretches, first + work.upperBound - unit)
      unsafe kernels.quantizeRows(
        x: bases.floats(op.input), xStride: op.layout.columns, rows: row..<row + 1, layout: op.layout,
        groups: first * stretch..<min(last * stretch, groups), zeroPoint: op.zeroPoint,
        y: bases.raw(op.output))
      unit += last - first
    }
  }

  /// One product with quantised weights; without leaves the whole contraction is one.
  @unsafe
  func quantizedMatmul(
    _ weight: PackedMatrix, at weights: UnsafeRawPointer, panels: Range<Int>, input: Region,
    xRows: UnsafePointer<Int32>?, rows: Int, leaves: LeafSchedule?, y: UnsafeMutablePointer<Float>,
    yStride: Int, rootStride: Int, bias: UnsafePointer<Float>?
  ) {
    var noMerge: UInt8 = 0
    unsafe withUnsafePointer(to: &noMerge) { noMerge in
      unsafe kernels.matmulQuantized(
        weights: weights, format: weight.format, panels: panels, outputs: weight.rows, layout: weight.groups,
        x: bases.raw(input), xRows: xRows, rows: rows, leafCount: leaves?.leafCount ?? 1,
        merges: leaves.map { unsafe UnsafePointer(bases.raw($0.merges).assumingMemoryBound(to: UInt8.self)) }
          ?? noMerge,
        y: y, yStride: yStride, rootStride: rootStride, bias: bias)
    }
  }
}
