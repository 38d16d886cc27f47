package import Tensors

/// y[t][n] = bias[n] + chain over ascending k of fma(w[n][k], x[t][k], acc), acc from +0.
///
/// Every output element is one chain whatever the batch, the tile, the thread or the vector width: see
/// `Kernels.docc`. Threads share a call by panels of sixteen output rows.
///
/// - Parameters:
///   - weights: packed matrix, `type` bf16 (words of two k) or f32.
///   - panels: panels of sixteen output rows that this call computes.
///   - inputs: K, columns of the matrix. An odd last column of a bf16 matrix is used alone; its pad never is.
///   - outputs: N, rows of the matrix.
///   - x: f32 [rows of the batch][xStride]; row t is `xRows[t]` when given, else t.
///   - rows: T.
///   - y: f32 [T][yStride]; only columns of `panels` below N are written.
///   - bias: f32 [N], added once after the chain.
///   - prefetchBytes: distance between a load and its prefetch, which hides the latency of memory: 4096
///   where the
///     processor's own prefetching leaves bandwidth unused, 0 (the loaded line itself) where it does not.
/// Cost: streams `inputs * panels.count * 16` weights once for T up to 6, once per six rows beyond (from
/// cache).
package func matmul(
  weights: UnsafeRawPointer, type: DType, panels: Range<Int>, inputs: Int, outputs: Int,
  x: UnsafePointer<Float>, xStride: Int, xRows: UnsafePointer<Int32>?, rows: Int,
  y: UnsafeMutablePointer<Float>, yStride: Int, bias: UnsafePointer<Float>?, prefetchBytes: Int
) {
  var noMerge: UInt8 = 0
  withUnsafePointer(to: &noMerge) { merges in
    matmulPanels(
      weights, isBF16(type), panels, inputs, outputs, x, xStride, xRows, rows, inputs, 1, merges,
      y, yStride, 0, bias, prefetchBytes / 4)
  }
}

/// The row-parallel form of `matmul`: chains per leaf of `leafWidth` columns, added up along the canonical
/// tree.
///
/// After leaf i the two topmost partial sums a, b are replaced `merges[i]` times by a + b (a below b); root
/// r, bottom first, goes to `y + r * rootStride`. `leafWidth` is even; the last leaf may be shorter; at most
/// 16 partial sums wait at a time, enough for any range of 128 leaves.
/// Other parameters and cost are those of `matmul`.
package func matmulLeaves(
  weights: UnsafeRawPointer, type: DType, panels: Range<Int>, inputs: Int, outputs: Int,
  x: UnsafePointer<Float>, xStride: Int, xRows: UnsafePointer<Int32>?, rows: Int,
  leafWidth: Int, leafCount: Int, merges: UnsafePointer<UInt8>,
  y: UnsafeMutablePointer<Float>, yStride: Int, rootStride: Int, prefetchBytes: Int
) {
  matmulPanels(
    weights, isBF16(type), panels, inputs, outputs, x, xStride, xRows, rows, leafWidth, leafCount, merges,
    y, yStride, rootStride, nil, prefetchBytes / 4)
}

/// From how many rows on weights are widened once for all of them.
let manyRows = 16

/// Deepest stack of partial sums: a range of n leaves of the canonical tree needs at most 2 log2(n) + 1.
let leafStackDepth = 16

/// Floats of one tile result: at most six rows of one panel, or one row of four.
let tileFloats = 96

/// Walks the panel range block by block, in each block the row tiles, in each row tile the panels of a tile.
private func matmulPanels(
  _ weights: UnsafeRawPointer, _ isBF16: Bool, _ panels: Range<Int>, _ inputs: Int, _ outputs: Int,
  _ x: UnsafePointer<Float>, _ xStride: Int, _ xRows: UnsafePointer<Int32>?, _ rows: Int,
  _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>,
  _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ rootStride: Int, _ bias: UnsafePointer<Float>?,
  _ ahead: Int
) {
  #if KERNELS_AVX512
    // What the whole blocks leave at both ends of the range.
    if let whole = matmulWholeBlocks(
      weights, isBF16, panels, inputs, outputs, x, xStride, xRows, rows, leafWidth, leafCount, merges, y,
      yStride, rootStride, bias, ahead)
    {
      // By number, not in an array: a step allocates nothing.
      for side in 0..<2 {
        let rest =
          side == 0 ? panels.lowerBound..<whole.lowerBound : whole.upperBound..<panels.upperBound
        if rest.isEmpty { continue }
        matmulPanels(
          weights, isBF16, rest, inputs, outputs, x, xStride, xRows, rows, leafWidth, leafCount, merges, y,
          yStride, rootStride, bias, ahead)
      }
      return
    }
  #endif
  if rows >= manyRows {
    matmulManyRows(
      weights, isBF16, panels, inputs, outputs, x, xStride, xRows, rows, leafWidth, leafCount, merges, y,
      yStride,
      rootStride, bias)
    return
  }
  precondition(leafCount == 1 || leafWidth & 1 == 0, "leaf width \(leafWidth) is odd")
  withScratch(tileFloats * deepestStack(merges, leafCount)) { scratch in
    let allPanels = (outputs + 15) / 16
    let depth = isBF16 ? (inputs + 1) / 2 : inputs
    var panel = panels.lowerBound
    while panel < panels.upperBound {
      let block = panel / 4
      let blockPanels = min(4, allPanels - block * 4)
      let last = min(panels.upperBound, block * 4 + 4)
      let blockBase = weights + block * 64 * depth * 4
      var row = 0
      while row < rows {
        let tileRows = rowsOfTile(rows - row)
        var p = panel
        while p < last {
          let tilePanels = min(panelsOfTile(tileRows, last - p), last - p)
          let roots = matmulTile(
            blockBase, isBF16, blockPanels, p - block * 4, tilePanels, inputs, x, xStride, xRows, row,
            tileRows, leafWidth, leafCount, merges, ahead, scratch)
          for root in 0..<roots {
            storeTile(
              scratch + root * tileFloats, p, tilePanels, tileRows, outputs,
              y + root * rootStride + row * yStride, yStride, bias)
          }
          p += tilePanels
        }
        row += tileRows
      }
      panel = last
    }
  }
}

#if KERNELS_AVX512
  /// Computes the whole blocks of the range for several rows at a time: which panels that were, nil for none.
  private func matmulWholeBlocks(
    _ weights: UnsafeRawPointer, _ isBF16: Bool, _ panels: Range<Int>, _ inputs: Int, _ outputs: Int,
    _ x: UnsafePointer<Float>, _ xStride: Int, _ xRows: UnsafePointer<Int32>?, _ rows: Int,
    _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>,
    _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ rootStride: Int, _ bias: UnsafePointer<Float>?,
    _ ahead: Int
  ) -> Range<Int>? {
    guard isBF16 && rows > 1 && panels.count >= 4 else { return nil }
    let isDone = matmulBlocksBF16(
      weights, panels, inputs, outputs, x, xStride, xRows, rows, leafWidth, leafCount, merges, y, yStride,
      rootStride, bias, ahead)
    return isDone ? wholeBlocks(panels, outputs) : nil
  }
#endif

/// Rows of the next tile when `remaining` rows are left.
@inline(__always)
private func rowsOfTile(_ remaining: Int) -> Int { min(6, remaining) }

/// Panels of a tile with `rows` rows when `remaining` panels are left in the block: registers are the limit.
@inline(__always)
private func panelsOfTile(_ rows: Int, _ remaining: Int) -> Int {
  switch rows {
  case 1: remaining >= 4 ? 4 : (remaining >= 2 ? 2 : 1)
  case 2, 3: remaining >= 2 ? 2 : 1
  default: 1
  }
}

/// One tile over all leaves; returns the number of roots left in `scratch`, `tileFloats` apart.
@inline(__always)
private func matmulTile(
  _ block: UnsafeRawPointer, _ isBF16: Bool, _ blockPanels: Int, _ panel: Int, _ tilePanels: Int,
  _ inputs: Int,
  _ x: UnsafePointer<Float>, _ xStride: Int, _ xRows: UnsafePointer<Int32>?, _ row: Int, _ tileRows: Int,
  _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>, _ ahead: Int,
  _ scratch: UnsafeMutablePointer<Float>
) -> Int {
  sumLeaves(scratch, tileFloats, tilePanels * tileRows * 16, inputs, leafWidth, leafCount, merges) {
    columns, out in
    let (start, width) = (columns.lowerBound, columns.count)
    if isBF16 {
      let w = block.assumingMemoryBound(to: UInt32.self) + ((start >> 1) * blockPanels + panel) * 16
      tileBF16(w, blockPanels * 16, ahead, tilePanels, width, x + start, xStride, xRows, row, tileRows, out)
    } else {
      let w = block.assumingMemoryBound(to: Float.self) + (start * blockPanels + panel) * 16
      tileF32(w, blockPanels * 16, ahead, tilePanels, width, x + start, xStride, xRows, row, tileRows, out)
    }
  }
}
