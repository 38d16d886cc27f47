#if KERNELS_AVX512
  import CIntrinsics

  /// Columns of a stretch: four panels of bf16 weights, 16 KiB, stay in the first-level cache for all rows.
  private let stretchColumns = 128

  /// Most rows of a tile: 24 sums, the weights of four panels and one pair of activations fill the registers.
  private let tileRows = 6

  /// `matmulRounded` on whole blocks of four panels, by `vdpbf16ps`.
  ///
  /// A stretch of weights is read from memory once and used by all rows of a batch; meanwhile the next one is fetched.
  /// Sums go on across stretches from where they were.
  func matmulDots(
    _ weights: UnsafePointer<UInt32>, _ panels: Range<Int>, _ inputs: Int, _ outputs: Int,
    _ x: UnsafePointer<UInt32>, _ xRows: UnsafePointer<Int32>?, _ rows: Int,
    _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>,
    _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ rootStride: Int, _ bias: UnsafePointer<Float>?,
    _ ahead: Int
  ) {
    let levels = deepestStack(merges, leafCount)
    let blockRows = min(rows, scratchFloats / (64 * levels))
    withScratch(blockRows * 64 * levels) { partials in
      let depth = (inputs + 1) / 2
      for block in panels.lowerBound / 4..<panels.upperBound / 4 {
        var row = 0
        while row < rows {
          let count = min(blockRows, rows - row)
          let roots = blockDots(
            weights + block * 64 * depth, inputs, x, xRows, row, count, blockRows, leafWidth, leafCount,
            merges,
            ahead, partials)
          for root in 0..<roots {
            storeTile(
              partials + root * blockRows * 64, block * 4, 4, count, outputs,
              y + root * rootStride + row * yStride, yStride, bias)
          }
          row += count
        }
      }
    }
  }

  /// Sums of some rows over one block, `[root][row][panel][16]`; returns the number of roots.
  private func blockDots(
    _ block: UnsafePointer<UInt32>, _ inputs: Int, _ x: UnsafePointer<UInt32>, _ xRows: UnsafePointer<Int32>?,
    _ row: Int, _ count: Int, _ blockRows: Int, _ leafWidth: Int, _ leafCount: Int,
    _ merges: UnsafePointer<UInt8>, _ ahead: Int, _ partials: UnsafeMutablePointer<Float>
  ) -> Int {
    let levelFloats = blockRows * 64
    let depth = (inputs + 1) / 2
    // Tiles of nearly equal heights: sixteen rows are 6, 5 and 5.
    let tiles = (count + tileRows - 1) / tileRows
    return sumLeaves(partials, levelFloats, count * 64, inputs, leafWidth, leafCount, merges) {
      columns, level in
      level.update(repeating: 0, count: count * 64)
      for start in stride(from: columns.lowerBound, to: columns.upperBound, by: stretchColumns) {
        let first = start / 2
        let pairs = (min(stretchColumns, columns.upperBound - start) + 1) / 2
        let w = block + first * 64
        // The tiles share the lines of the next stretch, evenly: memory and multiply-adds work at the same time.
        let lines = tiles == 1 ? 4 : tiles < 4 ? 2 : 1
        let shares = row > 0 ? 0 : pairs * 4 / lines
        for tile in 0..<tiles {
          let low = tile * count / tiles
          let slots = tile * shares / tiles..<(tile + 1) * shares / tiles
          let next = tiles == 1 ? w + ahead : w + pairs * 64 + slots.lowerBound * lines * 16
          dotTile(
            w, Fetch(start: next, lines: lines, pairs: slots.count), pairs, x + first, depth, xRows,
            row + low,
            (tile + 1) * count / tiles - low, level + low * 64)
        }
      }
    }
  }
#endif
