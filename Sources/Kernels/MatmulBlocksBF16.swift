#if KERNELS_AVX512
  import CIntrinsics

  /// Columns of a stretch: four panels of bf16 weights, 16 KiB, stay in the first-level cache for all rows.
  private let stretchColumns = 128

  /// Most rows of a tile: with six the sums leave too few registers for what widens the weights.
  private let tileRows = 4

  /// The whole blocks of four panels inside a range; empty at its lower end when there is none.
  func wholeBlocks(_ panels: Range<Int>, _ outputs: Int) -> Range<Int> {
    let full = (outputs + 15) / 16 / 4 * 4
    let low = min((panels.lowerBound + 3) / 4 * 4, panels.upperBound)
    let high = min(panels.upperBound / 4 * 4, full)
    return low..<max(low, high)
  }

  /// The form of `matmul` and `matmulLeaves` for more than one row, on whole blocks of four panels.
  ///
  /// Sixteen sums (four panels, four rows) fill the multiply-add pipes, while others widen the weights; a
  /// stretch of weights is read from memory once and used by all rows of a batch, and the second four rows
  /// fetch the next stretch meanwhile: memory and multiply-adds work at the same time. Sums go on across
  /// stretches from where they were, so every element is the same chain as in the other forms. False, and
  /// nothing done, when the range has no whole block.
  func matmulBlocksBF16(
    _ weights: UnsafeRawPointer, _ panels: Range<Int>, _ inputs: Int, _ outputs: Int,
    _ x: UnsafePointer<Float>, _ xStride: Int, _ xRows: UnsafePointer<Int32>?, _ rows: Int,
    _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>,
    _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ rootStride: Int, _ bias: UnsafePointer<Float>?,
    _ ahead: Int
  ) -> Bool {
    let whole = wholeBlocks(panels, outputs)
    if whole.isEmpty { return false }
    let levels = deepestStack(merges, leafCount)
    let blockRows = min(rows, scratchFloats / (64 * levels))
    withScratch(blockRows * 64 * levels) { partials in
      let depth = (inputs + 1) / 2
      for block in whole.lowerBound / 4..<whole.upperBound / 4 {
        let base = weights.assumingMemoryBound(to: UInt32.self) + block * 64 * depth
        var row = 0
        while row < rows {
          let count = min(blockRows, rows - row)
          let roots = blockSums(
            base, inputs, x, xStride, xRows, row, count, blockRows, leafWidth, leafCount, merges, ahead,
            partials)
          for root in 0..<roots {
            storeTile(
              partials + root * blockRows * 64, block * 4, 4, count, outputs,
              y + root * rootStride + row * yStride, yStride, bias)
          }
          row += count
        }
      }
    }
    return true
  }

  /// Sums of some rows over one block, `[root][row][panel][16]`; returns the number of roots.
  private func blockSums(
    _ block: UnsafePointer<UInt32>, _ inputs: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
    _ xRows: UnsafePointer<Int32>?, _ row: Int, _ count: Int, _ blockRows: Int, _ leafWidth: Int,
    _ leafCount: Int, _ merges: UnsafePointer<UInt8>, _ ahead: Int, _ partials: UnsafeMutablePointer<Float>
  ) -> Int {
    let levelFloats = blockRows * 64
    let nextStretch = stretchColumns / 2 * 64
    let tiles = (count + tileRows - 1) / tileRows
    return sumLeaves(partials, levelFloats, count * 64, inputs, leafWidth, leafCount, merges) {
      columns, level in
      level.update(repeating: 0, count: count * 64)
      for start in stride(from: columns.lowerBound, to: columns.upperBound, by: stretchColumns) {
        let width = min(stretchColumns, columns.upperBound - start)
        for tile in 0..<tiles {
          let low = tile * count / tiles
          accumulateBF16(
            block + start / 2 * 64, tile == 1 || count == tileRows ? nextStretch : (tile == 0 ? ahead : 0),
            width,
            x + start, xStride, xRows, row + low, (tile + 1) * count / tiles - low, level + low * 64)
        }
      }
    }
  }
#endif
