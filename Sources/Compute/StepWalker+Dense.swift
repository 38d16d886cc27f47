internal import Tensors

extension StepWalker {
  /// Rows whose token this rank's vocabulary slice holds, staged one after another.
  func embed(_ table: PackedMatrix, scale: Float, output: Region) {
    let rows = share(tables.embeddedTokens.count)
    guard !rows.isEmpty else { return }
    let staged = unsafe bases.floats(output)
    unsafe kernels.embed(
      weights: bases.raw(table.region), type: table.format.dtype, inputs: table.columns, outputs: table.rows,
      tokens: tables.embeddedTokens.base, rows: rows, y: staged, yStride: table.columns)
    guard scale != 1 else { return }
    for row in rows {
      let target = unsafe staged + row * table.columns
      unsafe kernels.multiply(y: target, x: target, scale: scale, count: table.columns)
    }
  }

  func placeEmbeddings(output: Region, width: Int) {
    for row in share(tables.ownRows) {
      let source = unsafe bases.floats(Region(arena: .workspace, byteOffset: 0)) + tables.embeddingSource[row]
      unsafe (bases.floats(output) + row * width).update(from: source, count: width)
    }
  }

  func norm(_ op: NormOp) {
    let rows = share(tables.rowCount(op.rows))
    guard !rows.isEmpty else { return }
    unsafe kernels.rmsNorm(
      x: bases.floats(op.input), xStride: op.width, rows: rows, vectorsPerRow: 1, size: op.width,
      weight: bases.floats(op.weight), unitOffset: false, epsilon: op.epsilon, y: bases.floats(op.output),
      yStride: op.width)
  }

  func matmul(_ op: MatmulOp) {
    let rows = tables.rowCount(op.rows)
    let panels = panelShare(rows: op.weight.rows)
    guard rows > 0, !panels.isEmpty else { return }
    if op.weight.format.roundsInputs {
      return unsafe roundedMatmul(
        op.weight, at: bases.raw(op.weight.region), panels: panels, input: op.input, xRows: nil, rows: rows,
        leaves: nil, y: bases.floats(op.output), yStride: op.outputStride, rootStride: 0,
        bias: op.bias.map { unsafe UnsafePointer(bases.floats($0)) })
    }
    unsafe kernels.matmul(
      weights: bases.raw(op.weight.region), type: op.weight.format.dtype, panels: panels,
      inputs: op.weight.columns,
      outputs: op.weight.rows, x: bases.floats(op.input), xStride: op.weight.columns, xRows: nil, rows: rows,
      y: bases.floats(op.output), yStride: op.outputStride,
      bias: op.bias.map { unsafe UnsafePointer(bases.floats($0)) })
  }

  func leafMatmul(_ op: LeafMatmulOp) {
    let rows = tables.rowCount(op.rows)
    let panels = panelShare(rows: op.weight.rows)
    guard rows > 0, !panels.isEmpty else { return }
    if op.weight.format.roundsInputs {
      return unsafe roundedMatmul(
        op.weight, at: bases.raw(op.weight.region), panels: panels, input: op.input, xRows: nil, rows: rows,
        leaves: op.leaves, y: bases.floats(op.roots), yStride: op.weight.rows, rootStride: op.rootStride,
        bias: nil)
    }
    unsafe kernels.matmulLeaves(
      weights: bases.raw(op.weight.region), type: op.weight.format.dtype, panels: panels,
      inputs: op.weight.columns,
      outputs: op.weight.rows, x: bases.floats(op.input), xStride: op.weight.columns, xRows: nil, rows: rows,
      leafWidth: op.leaves.leafWidth, leafCount: op.leaves.leafCount,
      merges: bases.raw(op.leaves.merges).assumingMemoryBound(to: UInt8.self), y: bases.floats(op.roots),
      yStride: op.weight.rows, rootStride: op.rootStride)
  }

  /// Adds everybody's roots in tree order; split by columns when there are fewer rows than threads.
  func combine(_ op: CombineOp) {
    let rows = tables.ownRows
    let byRows = rows >= threads
    let rowShare = byRows ? share(rows) : 0..<rows
    let chunks = (op.width + 15) / 16
    let chunkShare = byRows ? 0..<chunks : share(chunks)
    guard !rowShare.isEmpty, !chunkShare.isEmpty else { return }
    let columns = chunkShare.lowerBound * 16..<min(chunkShare.upperBound * 16, op.width)
    switch op.sum {
    case .attention: combine(op, tables.attentionSum, rows: rowShare, columns: columns)
    case .mlp: combine(op, tables.mlpSum, rows: rowShare, columns: columns)
    case .shared: combine(op, tables.sharedSum, rows: rowShare, columns: columns)
    }
  }

  private func combine(_ op: CombineOp, _ sum: borrowing SumTables, rows: Range<Int>, columns: Range<Int>) {
    let target = unsafe bases.floats(op.target)
    unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: sum.places.count) { roots in
      let start = unsafe bases.floats(Region(arena: .workspace, byteOffset: 0))
      for index in 0..<sum.places.count {
        unsafe roots.initializeElement(at: index, to: UnsafePointer(start + sum.places[index]))
      }
      guard let first = unsafe UnsafePointer(roots.baseAddress) else { return }
      unsafe kernels.treeCombine(
        roots: first, merges: sum.completion.base, rootCount: sum.places.count, rootStride: op.width,
        rows: rows,
        columns: columns, y: target, yStride: op.width,
        residual: op.accumulates ? UnsafePointer(target) : nil,
        residualStride: op.width, bias: op.bias.map { unsafe UnsafePointer(bases.floats($0)) })
    }
  }

  func add(target: Region, source: Region, width: Int) {
    for row in share(tables.ownRows) {
      unsafe kernels.addInPlace(
        y: bases.floats(target) + row * width, x: bases.floats(source) + row * width, count: width)
    }
  }

  func activate(_ op: GateOp) {
    unsafe gate(
      bases.floats(op.gateUp), bases.floats(op.output), rows: tables.rowCount(op.rows), width: op.width,
      activation: op.activation)
  }

  /// Splits rows x columns so that one decode row still occupies all threads.
  func gate(
    _ gateUp: UnsafeMutablePointer<Float>, _ output: UnsafeMutablePointer<Float>, rows: Int, width: Int,
    activation: GateActivation
  ) {
    let chunks = (width + 63) / 64
    let work = share(rows * chunks)
    var unit = work.lowerBound
    while unit < work.upperBound {
      let row = unit / chunks
      let first = unit % chunks
      let last = min(chunks, first + work.upperBound - unit)
      let columns = first * 64..<min(last * 64, width)
      let gate = unsafe gateUp + row * 2 * width
      switch activation {
      case .silu:
        unsafe kernels.siluMul(
          gate: gate, gateStride: 0, up: gate + width, upStride: 0, y: output + row * width, yStride: 0,
          rows: 0..<1,
          columns: columns)
      case .geluTanh:
        unsafe kernels.geluTanhMul(
          gate: gate, gateStride: 0, up: gate + width, upStride: 0, y: output + row * width, yStride: 0,
          rows: 0..<1,
          columns: columns)
      }
      unit += last - first
    }
  }

  func pickSampledRows(input: Region, output: Region, width: Int) {
    for index in share(tables.sampledRows.count) {
      let source = unsafe bases.floats(input) + Int(tables.sampledRows[index]) * width
      unsafe (bases.floats(output) + index * width).update(from: source, count: width)
    }
  }

  func softcap(logits: Region, width: Int, cap: Float) {
    for row in share(tables.sampledRows.count) {
      let values = unsafe bases.floats(logits) + row * width
      unsafe kernels.softCap(x: values, cap: cap, y: values, count: width)
    }
  }

  /// `[value bits, token]` of the highest local logit of each sampled row; ties go to the lowest token.
  func localMaximum(logits: Region, width: Int, firstToken: Int, output: Region) {
    for index in share(tables.sampledRows.count) {
      let row = unsafe bases.floats(logits) + index * width
      let best = unsafe kernels.argmax(x: row, count: width)
      unsafe bases.floats(output)[2 * index] = row[best]
      unsafe bases.ints(output)[2 * index + 1] = Int32(firstToken + best)
    }
  }

  func capture(input: Region, index: Int, width: Int) {
    guard let target = tables.captureRegion else { return }
    for row in share(tables.ownRows) {
      let place = (index * tables.captureRows + row) * width
      unsafe (bases.floats(target) + place).update(from: bases.floats(input) + row * width, count: width)
    }
  }
}
