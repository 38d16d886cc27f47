import CIntrinsics

/// The product with q8 or q4 weights: y[t][n] = bias[n] + sum over leaves along the canonical tree, each
/// leaf a chain over
/// its groups in ascending order of fma(f32(dot), ws xs, acc), acc from +0.
///
/// dot is the exact integer sum over the group's 32 columns of (stored weight - zero point) * byte of x; ws
/// is the group's
/// weight scale widened from binary16, xs its activation scale, their product rounded to f32. So batch, tile,
/// thread and
/// vector width change nothing.
///
/// - Parameters:
///   - weights: packed by `packQuantizedRows` with the same `leafWidth`.
///   - panels: panels of sixteen output rows that this call computes.
///   - x: rows of `quantizeRows`; row t is `xRows[t]` when given, else t.
///   - leafCount, merges: as in `matmulLeaves`; a column-parallel product is one leaf of all columns and no
///   merge.
///   - y: root r, row t at `y + r * rootStride + t * yStride`.
/// Cost: streams the weights once for up to four rows, once more from cache for every four beyond.
package func matmulQuantized(
  weights: UnsafeRawPointer, isNibbles: Bool, panels: Range<Int>, inputs: Int, outputs: Int,
  x: UnsafeRawPointer, xRows: UnsafePointer<Int32>?, rows: Int,
  leafWidth: Int, leafCount: Int, merges: UnsafePointer<UInt8>,
  y: UnsafeMutablePointer<Float>, yStride: Int, rootStride: Int, bias: UnsafePointer<Float>?,
  prefetchBytes: Int
) {
  if isNibbles {
    quantizedPanels(
      weights, true, panels, inputs, outputs, x, xRows, rows, leafWidth, leafCount, merges, y, yStride,
      rootStride, bias, prefetchBytes)
  } else {
    quantizedPanels(
      weights, false, panels, inputs, outputs, x, xRows, rows, leafWidth, leafCount, merges, y, yStride,
      rootStride, bias, prefetchBytes)
  }
}

/// Whether tiles of several rows take four panels: with 32 registers.
#if KERNELS_AVX512
  private let tallTiles = true
#else
  private let tallTiles = false
#endif

/// Floats of one tile result: at most four rows of four panels.
private let quantTileFloats = 256

/// Walks the panel range block by block, in each block the row tiles, in each row tile the panels of a tile.
@inline(__always)
private func quantizedPanels(
  _ weights: UnsafeRawPointer, _ isNibbles: Bool, _ panels: Range<Int>, _ inputs: Int, _ outputs: Int,
  _ x: UnsafeRawPointer, _ xRows: UnsafePointer<Int32>?, _ rows: Int,
  _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>,
  _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ rootStride: Int, _ bias: UnsafePointer<Float>?,
  _ prefetchBytes: Int
) {
  let perLeaf = (leafWidth + 31) / 32
  let groupCount = (leafCount - 1) * perLeaf + (inputs - (leafCount - 1) * leafWidth + 31) / 32
  let groupWords = isNibbles ? 72 : 136
  withScratch(quantTileFloats * deepestStack(merges, leafCount)) { scratch in
    let allPanels = (outputs + 15) / 16
    var panel = panels.lowerBound
    while panel < panels.upperBound {
      let block = panel / 4
      let blockPanels = min(4, allPanels - block * 4)
      let last = min(panels.upperBound, block * 4 + 4)
      let base = weights.assumingMemoryBound(to: UInt32.self) + block * 4 * groupCount * groupWords
      var row = 0
      while row < rows {
        let tileRows = min(4, rows - row)
        var p = panel
        while p < last {
          let left = last - p
          let tilePanels = (tileRows == 1 || tallTiles) && left >= 4 ? 4 : (left >= 2 ? 2 : 1)
          let roots = quantizedTile(
            base, isNibbles, blockPanels, p - block * 4, tilePanels, groupCount, perLeaf, x, xRows, row,
            tileRows, leafCount, merges, row == 0 ? prefetchBytes : 0, scratch)
          for root in 0..<roots {
            storeTile(
              scratch + root * quantTileFloats, p, tilePanels, tileRows, outputs,
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

/// One tile over all leaves; returns the number of roots left in `scratch`, `quantTileFloats` apart.
@inline(__always)
private func quantizedTile(
  _ block: UnsafePointer<UInt32>, _ isNibbles: Bool, _ blockPanels: Int, _ panel: Int, _ tilePanels: Int,
  _ groupCount: Int, _ perLeaf: Int, _ x: UnsafeRawPointer, _ xRows: UnsafePointer<Int32>?, _ row: Int,
  _ tileRows: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>, _ prefetchBytes: Int,
  _ scratch: UnsafeMutablePointer<Float>
) -> Int {
  let stride = blockPanels * 16
  let last = row + tileRows - 1
  let words = x.assumingMemoryBound(to: UInt32.self)
  let rowWords = groupCount * 10
  let x0 = batchRow(words, rowWords, xRows, row)
  let x1 = batchRow(words, rowWords, xRows, min(row + 1, last))
  let x2 = batchRow(words, rowWords, xRows, min(row + 2, last))
  let x3 = batchRow(words, rowWords, xRows, last)
  let w = block + panel * 16
  return sumLeaves(
    scratch, quantTileFloats, tilePanels * tileRows * 16, groupCount, perLeaf, leafCount, merges
  ) {
    groups, out in
    if isNibbles {
      nibbleTile(w, panel, stride, groups, x0, x1, x2, x3, tileRows, tilePanels, prefetchBytes, out)
    } else {
      byteTile(w, panel, stride, groups, x0, x1, x2, x3, tileRows, tilePanels, prefetchBytes, out)
    }
  }
}

/// Calls of tiles with bytes. Tiles are functions of their own: together they would not fit the registers.
@inline(__always)
private func byteTile(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>, _ rows: Int,
  _ panels: Int, _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) {
  #if KERNELS_AVX512
    if rows > 1 && panels == 4 {
      return byteTileWide(rows, w, groups, x0, x1, x2, x3, prefetchBytes, out)
    }
  #endif
  switch (rows, panels) {
  case (1, 4): byteTile4x1(w, groups, x0, prefetchBytes, out)
  case (1, 2): byteTile2x1(w, panel, stride, groups, x0, prefetchBytes, out)
  case (1, _): byteTile1x1(w, panel, stride, groups, x0, prefetchBytes, out)
  case (_, 2): byteTile2x4(w, panel, stride, groups, x0, x1, x2, x3, prefetchBytes, out)
  default: byteTile1x4(w, panel, stride, groups, x0, x1, x2, x3, prefetchBytes, out)
  }
}

/// Calls of tiles with nibbles.
@inline(__always)
private func nibbleTile(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>, _ rows: Int,
  _ panels: Int, _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) {
  #if KERNELS_AVX512
    if rows > 1 && panels == 4 {
      return nibbleTileWide(rows, w, groups, x0, x1, x2, x3, prefetchBytes, out)
    }
  #endif
  switch (rows, panels) {
  case (1, 4): nibbleTile4x1(w, groups, x0, prefetchBytes, out)
  case (1, 2): nibbleTile2x1(w, panel, stride, groups, x0, prefetchBytes, out)
  case (1, _): nibbleTile1x1(w, panel, stride, groups, x0, prefetchBytes, out)
  case (_, 2): nibbleTile2x4(w, panel, stride, groups, x0, x1, x2, x3, prefetchBytes, out)
  default: nibbleTile1x4(w, panel, stride, groups, x0, x1, x2, x3, prefetchBytes, out)
  }
}
