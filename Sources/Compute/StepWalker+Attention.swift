internal import Tensors

extension StepWalker {
  /// Query and key norms, rotation, and the new keys and values into their pages; split by rows.
  func writeKeysAndValues(_ op: AttentionOp) {
    let rows = share(tables.ownRows)
    guard !rows.isEmpty else { return }
    let stride = (op.queryHeads + 2 * op.kvHeads) * op.headDim
    let query = unsafe bases.floats(op.qkv)
    let key = unsafe query + op.queryHeads * op.headDim
    let value = unsafe key + op.kvHeads * op.headDim
    if let weight = op.queryNorm {
      unsafe headNorm(op, query, heads: op.queryHeads, weight: weight, rows: rows, stride: stride)
    }
    if let weight = op.keyNorm {
      unsafe headNorm(op, key, heads: op.kvHeads, weight: weight, rows: rows, stride: stride)
    }
    unsafe kernels.rope(
      x: query, xStride: stride, rows: rows, heads: op.queryHeads + op.kvHeads, headDim: op.headDim,
      rotaryDim: op.ropeDim, positions: tables.positions.base, cosines: bases.floats(op.cosines),
      sines: bases.floats(op.sines))
    for head in 0..<op.kvHeads {
      let keys = unsafe bases.raw(op.pool) + head * op.pageHeadBytes
      unsafe kernels.kvWrite(
        k: key + head * op.headDim, kStride: stride, v: value + head * op.headDim, vStride: stride,
        tokens: rows,
        headDim: op.headDim, slots: tables.kvSlots.base, slotsPerPage: op.pageSlots, format: op.kvFormat,
        keys: keys, keyPageBytes: op.pageBytes, values: keys + op.pageKeyBytes, valuePageBytes: op.pageBytes)
    }
  }

  private func headNorm(
    _ op: AttentionOp, _ x: UnsafeMutablePointer<Float>, heads: Int, weight: Region, rows: Range<Int>,
    stride: Int
  ) {
    unsafe kernels.rmsNorm(
      x: x, xStride: stride, rows: rows, vectorsPerRow: heads, size: op.headDim, weight: bases.floats(weight),
      unitOffset: false, epsilon: op.normEpsilon, y: x, yStride: stride)
  }

  /// Paged attention; the unit of work is a tile of rows of one sequence times one KV head, dealt out in
  /// turn because later rows of a prefill see more keys.
  func attend(_ op: AttentionOp) {
    let tile = 16
    var unit = 0
    for chunk in 0..<tables.pageStarts.count {
      let end = Int(tables.chunkStarts[chunk + 1])
      var row = Int(tables.chunkStarts[chunk])
      while row < end {
        let rows = row..<min(row + tile, end)
        for head in 0..<op.kvHeads {
          if unit % threads == thread { attend(op, chunk: chunk, rows: rows, head: head) }
          unit += 1
        }
        row += tile
      }
    }
  }

  private func attend(_ op: AttentionOp, chunk: Int, rows: Range<Int>, head: Int) {
    let shared = op.queriesPerKVHead
    let first = max(op.firstQueryHead, (op.firstKVHead + head) * shared)
    let last = min(op.firstQueryHead + op.queryHeads, (op.firstKVHead + head + 1) * shared)
    let local = first - op.firstQueryHead
    let stride = (op.queryHeads + 2 * op.kvHeads) * op.headDim
    let keys = unsafe bases.raw(op.pool) + head * op.pageHeadBytes
    unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: rows.count) { lowest in
      for (index, row) in rows.enumerated() {
        let key = op.window > 0 ? max(0, tables.positions[row] - Int32(op.window) + 1) : 0
        unsafe lowest.initializeElement(at: index, to: key)
      }
      guard let lowestKeys = lowest.baseAddress else { return }
      unsafe kernels.attend(
        q: bases.floats(op.qkv) + rows.lowerBound * stride + local * op.headDim, qStride: stride,
        queryHeads: last - first, headDim: op.headDim, tokens: 0..<rows.count,
        positions: tables.positions.base + rows.lowerBound, lowerKeys: lowestKeys, scale: op.scale,
        cap: op.softcap,
        pageTable: tables.pages.base + Int(tables.pageStarts[chunk]), slotsPerPage: op.pageSlots,
        format: op.kvFormat, keys: keys, keyPageBytes: op.pageBytes, values: keys + op.pageKeyBytes,
        valuePageBytes: op.pageBytes,
        y: bases.floats(op.output) + (rows.lowerBound * op.queryHeads + local) * op.headDim,
        yStride: op.queryHeads * op.headDim)
    }
  }
}
