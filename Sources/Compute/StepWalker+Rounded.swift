internal import Tensors

extension StepWalker {
  /// Rounds activations; split over rows and stretches of 512 columns, so that one decode row still occupies all
  /// threads.
  func round(_ op: RoundOp) {
    let isQuantized = op.format.isQuantized
    // Units of a row: groups, or words of two columns.
    let units = isQuantized ? op.layout.count : (op.layout.columns + 1) / 2
    let stretch = isQuantized ? 16 : 256
    let stretches = (units + stretch - 1) / stretch
    let work = share(tables.rowCount(op.rows) * stretches)
    var done = work.lowerBound
    while done < work.upperBound {
      let row = done / stretches
      let first = done % stretches
      let last = min(stretches, first + work.upperBound - done)
      let part = first * stretch..<min(last * stretch, units)
      if isQuantized {
        unsafe kernels.quantizeRows(
          x: bases.floats(op.input), xStride: op.layout.columns, rows: row..<row + 1, layout: op.layout,
          groups: part, zeroPoint: op.format.zeroPoint, y: bases.raw(op.output))
      } else {
        unsafe kernels.roundRows(
          x: bases.floats(op.input), rows: row..<row + 1, inputs: op.layout.columns, words: part,
          y: bases.raw(op.output).assumingMemoryBound(to: UInt32.self))
      }
      done += last - first
    }
  }

  /// One product with weights that read rounded rows; without leaves the whole contraction is one.
  @unsafe
  func roundedMatmul(
    _ weight: PackedMatrix, at weights: UnsafeRawPointer, panels: Range<Int>, input: Region,
    xRows: UnsafePointer<Int32>?, rows: Int, leaves: LeafSchedule?, y: UnsafeMutablePointer<Float>,
    yStride: Int, rootStride: Int, bias: UnsafePointer<Float>?
  ) {
    var noMerge: UInt8 = 0
    unsafe withUnsafePointer(to: &noMerge) { noMerge in
      let leafCount = leaves?.leafCount ?? 1
      let merges =
        unsafe leaves.map { unsafe UnsafePointer(bases.raw($0.merges).assumingMemoryBound(to: UInt8.self)) }
        ?? noMerge
      if weight.format.isQuantized {
        unsafe kernels.matmulQuantized(
          weights: weights, format: weight.format, panels: panels, outputs: weight.rows,
          layout: weight.groups,
          x: bases.raw(input), xRows: xRows, rows: rows, leafCount: leafCount, merges: merges, y: y,
          yStride: yStride, rootStride: rootStride, bias: bias)
      } else {
        unsafe kernels.matmulRounded(
          weights: weights.assumingMemoryBound(to: UInt32.self), panels: panels, inputs: weight.columns,
          outputs: weight.rows, x: bases.raw(input).assumingMemoryBound(to: UInt32.self), xRows: xRows,
          rows: rows, leafWidth: leaves?.leafWidth ?? weight.columns, leafCount: leafCount, merges: merges,
          y: y,
          yStride: yStride, rootStride: rootStride, bias: bias)
      }
    }
  }
}
