import CIntrinsics

/// Columns that are widened at a time: sixteen KiB of f32 weights, half of a first-level cache.
private let chunkColumns = 256

/// Rows that reuse a widened chunk: their inputs stay in the second-level cache for all panels.
private let blockRows = 48

/// The form of `matmul` and `matmulLeaves` for many rows (prefill): bound by arithmetic, not by memory.
///
/// Each chunk of a panel is widened to f32 once and used by all rows of a block, six at a time in registers. Chains go
/// on across chunks from where they were, so every element is the same chain as in the other form.
func matmulManyRows(
  _ weights: UnsafeRawPointer, _ isBF16: Bool, _ panels: Range<Int>, _ inputs: Int, _ outputs: Int,
  _ x: UnsafePointer<Float>, _ xStride: Int, _ xRows: UnsafePointer<Int32>?, _ rows: Int,
  _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>,
  _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ rootStride: Int, _ bias: UnsafePointer<Float>?
) {
  // Widened chunk [k][16], then partial sums [depth][row of the block][16].
  var memory = InlineArray<16384, Float>(repeating: 0)
  var span = memory.mutableSpan
  span.withUnsafeMutableBufferPointer { buffer in
    let chunk = buffer.baseAddress!
    let partials = chunk + chunkColumns * 16
    let allPanels = (outputs + 15) / 16
    let depth = isBF16 ? (inputs + 1) / 2 : inputs
    var row = 0
    while row < rows {
      let count = min(blockRows, rows - row)
      for panel in panels {
        let blockPanels = min(4, allPanels - panel / 4 * 4)
        let base = weights + (panel / 4 * 64 * depth + panel % 4 * 16) * 4
        let roots = sumLeaves(partials, blockRows * 16, count * 16, inputs, leafWidth, leafCount, merges) {
          columns, level in
          level.update(repeating: 0, count: count * 16)
          for start in stride(from: columns.lowerBound, to: columns.upperBound, by: chunkColumns) {
            let width = min(chunkColumns, columns.upperBound - start)
            widenChunk(base, isBF16, blockPanels * 16, start, width, chunk)
            accumulateRows(chunk, width, x + start, xStride, xRows, row, count, level)
          }
        }
        for root in 0..<roots {
          storeTile(
            partials + root * blockRows * 16, panel, 1, count, outputs, y + root * rootStride + row * yStride,
            yStride,
            bias)
        }
      }
      row += count
    }
  }
}

/// Columns start..<start + width of one panel as f32 [k][16]; start is even.
private func widenChunk(
  _ base: UnsafeRawPointer, _ isBF16: Bool, _ stride: Int, _ start: Int, _ width: Int,
  _ out: UnsafeMutablePointer<Float>
) {
  if isBF16 {
    var w = base.assumingMemoryBound(to: UInt32.self) + (start >> 1) * stride
    for pair in 0..<width >> 1 {
      let words = vwords(w)
      vprefetch(w + 16 &* stride)
      vstore(out + 32 &* pair, veven(words))
      vstore(out + 32 &* pair + 16, vodd(words))
      w += stride
    }
    if width & 1 == 1 { vstore(out + (width - 1) * 16, veven(vwords(w))) }
  } else {
    var w = base.assumingMemoryBound(to: Float.self) + start * stride
    for k in 0..<width {
      vprefetch(w + 16 &* stride)
      vstore(out + 16 &* k, vload(w))
      w += stride
    }
  }
}

/// Continues the chains of `count` rows over one chunk: sums[row][16].
private func accumulateRows(
  _ chunk: UnsafePointer<Float>, _ width: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
  _ xRows: UnsafePointer<Int32>?, _ row: Int, _ count: Int, _ sums: UnsafeMutablePointer<Float>
) {
  var done = 0
  while done < count {
    let left = count - done
    let first = row + done
    let last = row + count - 1
    let out = sums + done * 16
    let x0 = batchRow(x, xStride, xRows, first)
    let x1 = batchRow(x, xStride, xRows, min(first + 1, last))
    let x2 = batchRow(x, xStride, xRows, min(first + 2, last))
    let x3 = batchRow(x, xStride, xRows, min(first + 3, last))
    #if KERNELS_AVX512
      // Eight one-register sums hide the latency of two pipes.
      if left > 4 && left != 9 && left != 10 {
        let x4 = batchRow(x, xStride, xRows, first + 4)
        let x5 = batchRow(x, xStride, xRows, min(first + 5, last))
        let x6 = batchRow(x, xStride, xRows, min(first + 6, last))
        let x7 = batchRow(x, xStride, xRows, min(first + 7, last))
        accumulateEight(chunk, width, x0, x1, x2, x3, x4, x5, x6, x7, out)
        done += 8
        continue
      }
    #endif
    // Seven and eight rows are two tiles of four, five are six with the last one twice.
    if left <= 4 || left == 7 || left == 8 {
      accumulateFour(chunk, width, x0, x1, x2, x3, out)
      done += 4
    } else {
      let x4 = batchRow(x, xStride, xRows, first + 4)
      let x5 = batchRow(x, xStride, xRows, min(first + 5, last))
      accumulateSix(chunk, width, x0, x1, x2, x3, x4, x5, out)
      done += 6
    }
  }
}

/// Four rows of one panel.
private func accumulateFour(
  _ chunk: UnsafePointer<Float>, _ width: Int, _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
  _ x2: UnsafePointer<Float>, _ x3: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>
) {
  var a0 = vload(out)
  var a1 = vload(out + 16)
  var a2 = vload(out + 32)
  var a3 = vload(out + 48)
  for k in 0..<width {
    let w = vload(chunk + 16 &* k)
    a0 = vfma(w, vsplat(x0[k]), a0)
    a1 = vfma(w, vsplat(x1[k]), a1)
    a2 = vfma(w, vsplat(x2[k]), a2)
    a3 = vfma(w, vsplat(x3[k]), a3)
  }
  vstore(out, a0)
  vstore(out + 16, a1)
  vstore(out + 32, a2)
  vstore(out + 48, a3)
}

/// Six rows of one panel: twelve AVX2 registers of sums, two of weights, one of input.
private func accumulateSix(
  _ chunk: UnsafePointer<Float>, _ width: Int, _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
  _ x2: UnsafePointer<Float>, _ x3: UnsafePointer<Float>, _ x4: UnsafePointer<Float>,
  _ x5: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var a0 = vload(out)
  var a1 = vload(out + 16)
  var a2 = vload(out + 32)
  var a3 = vload(out + 48)
  var a4 = vload(out + 64)
  var a5 = vload(out + 80)
  for k in 0..<width {
    let w = vload(chunk + 16 &* k)
    a0 = vfma(w, vsplat(x0[k]), a0)
    a1 = vfma(w, vsplat(x1[k]), a1)
    a2 = vfma(w, vsplat(x2[k]), a2)
    a3 = vfma(w, vsplat(x3[k]), a3)
    a4 = vfma(w, vsplat(x4[k]), a4)
    a5 = vfma(w, vsplat(x5[k]), a5)
  }
  vstore(out, a0)
  vstore(out + 16, a1)
  vstore(out + 32, a2)
  vstore(out + 48, a3)
  vstore(out + 64, a4)
  vstore(out + 80, a5)
}

#if KERNELS_AVX512
  /// Eight rows of one panel.
  private func accumulateEight(
    _ chunk: UnsafePointer<Float>, _ width: Int, _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
    _ x2: UnsafePointer<Float>, _ x3: UnsafePointer<Float>, _ x4: UnsafePointer<Float>,
    _ x5: UnsafePointer<Float>,
    _ x6: UnsafePointer<Float>, _ x7: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>
  ) {
    var a0 = vload(out)
    var a1 = vload(out + 16)
    var a2 = vload(out + 32)
    var a3 = vload(out + 48)
    var a4 = vload(out + 64)
    var a5 = vload(out + 80)
    var a6 = vload(out + 96)
    var a7 = vload(out + 112)
    for k in 0..<width {
      let w = vload(chunk + 16 &* k)
      a0 = vfma(w, vsplat(x0[k]), a0)
      a1 = vfma(w, vsplat(x1[k]), a1)
      a2 = vfma(w, vsplat(x2[k]), a2)
      a3 = vfma(w, vsplat(x3[k]), a3)
      a4 = vfma(w, vsplat(x4[k]), a4)
      a5 = vfma(w, vsplat(x5[k]), a5)
      a6 = vfma(w, vsplat(x6[k]), a6)
      a7 = vfma(w, vsplat(x7[k]), a7)
    }
    vstore(out, a0)
    vstore(out + 16, a1)
    vstore(out + 32, a2)
    vstore(out + 48, a3)
    vstore(out + 64, a4)
    vstore(out + 80, a5)
    vstore(out + 96, a6)
    vstore(out + 112, a7)
  }
#endif
