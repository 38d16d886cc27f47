import CIntrinsics

/// The product of bfloat16 weights with activations that are rounded to bfloat16 as well (`--numerics fast`):
/// y[t][n] = bias[n] + sum over leaves along the canonical tree, each leaf a chain over ascending pairs of columns.
///
/// A pair is two fused multiply-adds, the odd column first, with subnormal numbers as zeros: the meaning of
/// `vdpbf16ps` (Intel SDM, volume 2), which does 32 of them in the time of 16 others. It is spelled out for processors
/// without it, and for what whole blocks leave, so batch, tile, thread, mesh and instruction set change nothing.
///
/// - Parameters:
///   - weights: packed matrix of bf16. The pad of an odd last column is zero.
///   - panels: panels of sixteen output rows that this call computes.
///   - x: rows of `roundRows`; row t is `xRows[t]` when given, else t.
///   - leafWidth, leafCount, merges: as in `matmulLeaves`; a column-parallel product is one leaf of all columns and no
///     merge.
///   - y: root r, row t at `y + r * rootStride + t * yStride`.
///   - usesDots: whether the processor has `vdpbf16ps`; AVX-512 only.
/// Cost: streams the weights once for up to six rows, once more from cache for every six beyond.
package func matmulRounded(
  weights: UnsafePointer<UInt32>, panels: Range<Int>, inputs: Int, outputs: Int,
  x: UnsafePointer<UInt32>, xRows: UnsafePointer<Int32>?, rows: Int,
  leafWidth: Int, leafCount: Int, merges: UnsafePointer<UInt8>,
  y: UnsafeMutablePointer<Float>, yStride: Int, rootStride: Int, bias: UnsafePointer<Float>?,
  prefetchBytes: Int, usesDots: Bool
) {
  precondition(leafCount == 1 || leafWidth & 1 == 0, "leaf width \(leafWidth) is odd")
  var rest = panels
  #if KERNELS_AVX512
    if usesDots {
      let whole = wholeBlocks(panels, outputs)
      if !whole.isEmpty {
        matmulDots(
          weights, whole, inputs, outputs, x, xRows, rows, leafWidth, leafCount, merges, y, yStride,
          rootStride,
          bias, prefetchBytes / 4)
        roundedPanels(
          weights, panels.lowerBound..<whole.lowerBound, inputs, outputs, x, xRows, rows, leafWidth,
          leafCount,
          merges, y, yStride, rootStride, bias)
        rest = whole.upperBound..<panels.upperBound
      }
    }
  #endif
  roundedPanels(
    weights, rest, inputs, outputs, x, xRows, rows, leafWidth, leafCount, merges, y, yStride, rootStride, bias
  )
}

/// Rounds rows of activations to bfloat16 for `matmulRounded`: words of two columns, the even one in the low half.
///
/// - Parameters:
///   - x: f32 [rows][inputs].
///   - words: words of each row that this call makes; an odd last column has a zero mate.
///   - y: [rows][(inputs + 1) / 2].
package func roundRows(
  x: UnsafePointer<Float>, rows: Range<Int>, inputs: Int, words: Range<Int>, y: UnsafeMutablePointer<UInt32>
) {
  let depth = (inputs + 1) / 2
  for row in rows {
    let source = x + row * inputs
    let halves = UnsafeMutableRawPointer(y + row * depth).assumingMemoryBound(to: UInt16.self)
    let end = min(inputs, words.upperBound * 2)
    var k = words.lowerBound * 2
    while k + 16 <= end {
      vstoreBF16(halves + k, vload(source + k))
      k += 16
    }
    while k < end {
      halves[k] = bfloat16Bits(source[k])
      k += 1
    }
    if inputs & 1 == 1 && words.upperBound == depth { halves[inputs] = 0 }
  }
}

/// The pairs spelled out, one panel and four rows at a time.
private func roundedPanels(
  _ weights: UnsafePointer<UInt32>, _ panels: Range<Int>, _ inputs: Int, _ outputs: Int,
  _ x: UnsafePointer<UInt32>, _ xRows: UnsafePointer<Int32>?, _ rows: Int,
  _ leafWidth: Int, _ leafCount: Int, _ merges: UnsafePointer<UInt8>,
  _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ rootStride: Int, _ bias: UnsafePointer<Float>?
) {
  if panels.isEmpty || rows == 0 { return }
  let levelFloats = 64
  let depth = (inputs + 1) / 2
  let allPanels = (outputs + 15) / 16
  withScratch(levelFloats * deepestStack(merges, leafCount)) { stack in
    for panel in panels {
      let stride = min(4, allPanels - panel / 4 * 4) * 16
      let base = weights + panel / 4 * 64 * depth + panel % 4 * 16
      var row = 0
      while row < rows {
        let last = min(row + 3, rows - 1)
        let roots = sumLeaves(stack, levelFloats, levelFloats, inputs, leafWidth, leafCount, merges) {
          columns, level in
          level.update(repeating: 0, count: levelFloats)
          let first = columns.lowerBound / 2
          let formerMode = flushSubnormals()
          accumulatePairs(
            base + first * stride, stride, (columns.count + 1) / 2, batchRow(x, depth, xRows, row) + first,
            batchRow(x, depth, xRows, min(row + 1, last)) + first,
            batchRow(x, depth, xRows, min(row + 2, last)) + first, batchRow(x, depth, xRows, last) + first,
            level)
          restoreSubnormals(formerMode)
        }
        for root in 0..<roots {
          storeTile(
            stack + root * levelFloats, panel, 1, last - row + 1, outputs,
            y + root * rootStride + row * yStride, yStride, bias)
        }
        row += 4
      }
    }
  }
}

/// Four rows of one panel. Never inlined: no arithmetic may leave the stretch in which subnormal numbers are zeros.
@inline(never)
private func accumulatePairs(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ count: Int, _ x0: UnsafePointer<UInt32>,
  _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
  _ sums: UnsafeMutablePointer<Float>
) {
  var (a0, a1, a2, a3) = (vload(sums), vload(sums + 16), vload(sums + 32), vload(sums + 48))
  for pair in 0..<count {
    let words = vwords(w + pair &* stride)
    let (even, odd) = (veven(words), vodd(words))
    a0 = addPair(a0, even, odd, x0[pair])
    a1 = addPair(a1, even, odd, x1[pair])
    a2 = addPair(a2, even, odd, x2[pair])
    a3 = addPair(a3, even, odd, x3[pair])
  }
  vstore(sums, a0)
  vstore(sums + 16, a1)
  vstore(sums + 32, a2)
  vstore(sums + 48, a3)
}

@inline(__always)
private func addPair(_ sum: SIMD16<Float>, _ even: SIMD16<Float>, _ odd: SIMD16<Float>, _ x: UInt32)
  -> SIMD16<Float>
{
  let first = vfma(odd, vsplat(Float(bitPattern: x & 0xFFFF_0000)), sum)
  return vfma(even, vsplat(Float(bitPattern: x << 16)), first)
}
