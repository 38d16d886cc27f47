import CIntrinsics
package import Tensors

/// Attention of some tokens of one sequence over one kv head's pages, for the query heads that share it.
///
/// Per query row: keys in ascending blocks of sixteen absolute positions, from the block of the lower key to
/// the block of the row's own position; online softmax per block (Milakov and Gimelshein 2018); masked keys
/// take no part.
///   s_j = chain over ascending d of fma(q_d scale, k_jd, acc) [then cap tanh(s / cap)]
///   (q8: s_j times the key's scale, and p_j times the value's scale in the last sum)
///   m' = max; c = e^(m - m'); p_j = e^(s_j - m'); l = l c + tree sum of p; acc_d = acc_d c, then fma(p_j,
///   v_jd, acc_d), j ascending
///   y_d = acc_d / l
/// Rows are computed four at a time on shared key and value loads; no row's operations depend on the others.
///
/// - Parameters:
///   - q: f32, row of token t and query head g at `t * qStride + g * headDim`; y has the same form and may
///   be q.
///   - headDim: at most 512.
///   - tokens: tokens (rows of q, y, positions, lowerKeys) of this call.
///   - positions: absolute position of each token; its own key is visible.
///   - lowerKeys: first visible position of each token (sliding window), nil for 0.
///   - cap: soft cap of scores, 0 for none.
///   - pageTable: page of position p at `p / slotsPerPage`; layout of pages as in `kvWrite`.
package func attend(
  q: UnsafePointer<Float>, qStride: Int, queryHeads: Int, headDim: Int, tokens: Range<Int>,
  positions: UnsafePointer<Int32>, lowerKeys: UnsafePointer<Int32>?, scale: Float, cap: Float,
  pageTable: UnsafePointer<Int32>, slotsPerPage: Int, format: KVFormat,
  keys: UnsafeRawPointer, keyPageBytes: Int, values: UnsafeRawPointer, valuePageBytes: Int,
  y: UnsafeMutablePointer<Float>, yStride: Int
) {
  precondition(headDim >= 1 && headDim <= 512, "headDim \(headDim) outside 1...512")
  precondition(
    slotsPerPage >= 16 && slotsPerPage & 15 == 0, "\(slotsPerPage) slots per page, not a multiple of 16")
  // Queries [d][4 rows], accumulators [4 rows][padded d], weights of the block [4 rows][16 keys].
  var scratch = InlineArray<4160, Float>(repeating: 0)
  var span = scratch.mutableSpan
  span.withUnsafeMutableBufferPointer { buffer in
    let base = buffer.baseAddress!
    var row = tokens.lowerBound * queryHeads
    let end = tokens.upperBound * queryHeads
    while row < end {
      let count = min(4, end - row)
      let pages = (pageTable, slotsPerPage, keys, keyPageBytes, values, valuePageBytes)
      switch elementBytes(format) {
      case 2:
        attendRows(
          q, qStride, queryHeads, headDim, row, count, positions, lowerKeys, scale, cap, pages, 2, y, yStride,
          base)
      case 4:
        attendRows(
          q, qStride, queryHeads, headDim, row, count, positions, lowerKeys, scale, cap, pages, 4, y, yStride,
          base)
      default:
        attendRows(
          q, qStride, queryHeads, headDim, row, count, positions, lowerKeys, scale, cap, pages, 1, y, yStride,
          base)
      }
      row += count
    }
  }
}

typealias PageArguments = (
  table: UnsafePointer<Int32>, slots: Int, keys: UnsafeRawPointer, keyBytes: Int, values: UnsafeRawPointer,
  valueBytes: Int
)

/// One to four query rows (token, head) over the union of their key blocks; `size` is a constant.
@inline(__always)
private func attendRows(
  _ q: UnsafePointer<Float>, _ qStride: Int, _ queryHeads: Int, _ headDim: Int, _ firstRow: Int, _ count: Int,
  _ positions: UnsafePointer<Int32>, _ lowerKeys: UnsafePointer<Int32>?, _ scale: Float, _ cap: Float,
  _ pages: PageArguments, _ size: Int, _ y: UnsafeMutablePointer<Float>, _ yStride: Int,
  _ scratch: UnsafeMutablePointer<Float>
) {
  let padded = (headDim + 15) / 16 * 16
  let queries = scratch
  let accumulators = scratch + 2048
  let weights = scratch + 4096
  var lower: SIMD4<Int> = .zero
  var last: SIMD4<Int> = .zero
  var maximum = SIMD4<Float>(repeating: -.infinity)
  var sum: SIMD4<Float> = .zero
  var firstBlock = Int.max
  var lastBlock = 0
  for r in 0..<count {
    let (t, head) = ((firstRow + r) / queryHeads, (firstRow + r) % queryHeads)
    lower[r] = Int(lowerKeys?[t] ?? 0)
    last[r] = Int(positions[t])
    firstBlock = min(firstBlock, lower[r] / 16)
    lastBlock = max(lastBlock, last[r] / 16)
    let source = q + t * qStride + head * headDim
    for d in 0..<headDim { queries[4 &* d &+ r] = source[d] * scale }
  }
  accumulators.update(repeating: 0, count: 4 * padded)
  for block in firstBlock...lastBlock {
    let position = block * 16
    let page = Int(pages.table[position / pages.slots])
    let slot = position % pages.slots
    let k = pages.keys + page * pages.keyBytes + slot * headDim * size
    let v = pages.values + page * pages.valueBytes + slot * padded * size
    var allFull = true
    scoreBlock(queries, k, headDim, count, size, weights)
    if size == 1 {
      // The scales of the block's keys lie behind the keys of the page.
      let scales = pages.keys + page * pages.keyBytes + pages.slots * headDim + slot * 4
      multiplyRows(weights, scales, count)
    }
    for r in 0..<count {
      let low = max(0, lower[r] - position)
      let high = min(16, last[r] - position + 1)
      if low > 0 || high < 16 { allFull = false }
      // A row takes no part in blocks outside its own range.
      if low >= high { continue }
      let c = softmaxBlock(weights + r * 16, low, high, cap, &maximum[r], &sum[r])
      if c != 1 { scaleRow(accumulators + r * padded, c, padded) }
    }
    if size == 1 {
      multiplyRows(weights, pages.values + page * pages.valueBytes + pages.slots * padded + slot * 4, count)
    }
    if allFull && count == 4 {
      accumulateFour(weights, v, padded, size, accumulators)
    } else {
      for r in 0..<count {
        let low = max(0, lower[r] - position)
        let high = min(16, last[r] - position + 1)
        if low < high {
          accumulateOne(weights + r * 16, v, padded, low, high, size, accumulators + r * padded)
        }
      }
    }
  }
  for r in 0..<count {
    let (t, head) = ((firstRow + r) / queryHeads, (firstRow + r) % queryHeads)
    storeQuotients(accumulators + r * padded, sum[r], headDim, y + t * yStride + head * headDim)
  }
}

/// y = row / divisor.
@inline(__always)
private func storeQuotients(
  _ row: UnsafePointer<Float>, _ divisor: Float, _ headDim: Int, _ y: UnsafeMutablePointer<Float>
) {
  let divisor = vsplat(divisor)
  var d = 0
  while d < headDim {
    storeLanes(y + d, vdiv(vload(row + d), divisor), headDim - d)
    d += 16
  }
}

/// Sixteen stored elements as f32.
@inline(__always)
private func loadStored(_ base: UnsafeRawPointer, _ index: Int, _ size: Int) -> SIMD16<Float> {
  switch size {
  case 2: vloadBF16(base.assumingMemoryBound(to: UInt16.self) + index)
  case 4: vload(base.assumingMemoryBound(to: Float.self) + index)
  default: vloadInt8(base.assumingMemoryBound(to: Int8.self) + index)
  }
}

/// Scores of up to four rows against the sixteen keys of a block: out[row][key].
@inline(__always)
private func scoreBlock(
  _ queries: UnsafePointer<Float>, _ k: UnsafeRawPointer, _ headDim: Int, _ count: Int, _ size: Int,
  _ out: UnsafeMutablePointer<Float>
) {
  var s0 = vsplat(0)
  var s1 = vsplat(0)
  if count <= 2 {
    for d in 0..<headDim {
      let key = loadStored(k, 16 &* d, size)
      s0 = vfma(vsplat(queries[4 &* d]), key, s0)
      s1 = vfma(vsplat(queries[4 &* d &+ 1]), key, s1)
    }
    vstore(out, s0)
    vstore(out + 16, s1)
    return
  }
  var s2 = vsplat(0)
  var s3 = vsplat(0)
  for d in 0..<headDim {
    let key = loadStored(k, 16 &* d, size)
    s0 = vfma(vsplat(queries[4 &* d]), key, s0)
    s1 = vfma(vsplat(queries[4 &* d &+ 1]), key, s1)
    s2 = vfma(vsplat(queries[4 &* d &+ 2]), key, s2)
    s3 = vfma(vsplat(queries[4 &* d &+ 3]), key, s3)
  }
  vstore(out, s0)
  vstore(out + 16, s1)
  vstore(out + 32, s2)
  vstore(out + 48, s3)
}

/// Turns one row's scores into weights in place, updates its maximum and sum, returns the factor of what
/// came before.
@inline(__always)
private func softmaxBlock(
  _ scores: UnsafeMutablePointer<Float>, _ low: Int, _ high: Int, _ cap: Float, _ maximum: inout Float,
  _ sum: inout Float
) -> Float {
  var s = vload(scores)
  if cap > 0 { s = vmul(vsplat(cap), vtanh(vdiv(s, vsplat(cap)))) }
  let visible = vand(
    vgreaterInt(vsplatInt(Int32(high)), vlanes()), vgreaterInt(vlanes(), vsplatInt(Int32(low) - 1)))
  s = vselect(visible, s, vsplat(-.infinity))
  let blockMaximum = vmaxLane(s)
  let newMaximum = blockMaximum > maximum ? blockMaximum : maximum
  let c = vexp(vsplat(maximum - newMaximum))[0]
  let p = vselect(visible, vexp(vsub(s, vsplat(newMaximum))), vsplat(0))
  sum = sum * c + vsum(p)
  maximum = newMaximum
  vstore(scores, p)
  return c
}

/// Sixteen lanes of each row times sixteen stored scales.
@inline(__always)
private func multiplyRows(_ rows: UnsafeMutablePointer<Float>, _ scales: UnsafeRawPointer, _ count: Int) {
  let factors = vload(scales.assumingMemoryBound(to: Float.self))
  for r in 0..<count { vstore(rows + r * 16, vmul(vload(rows + r * 16), factors)) }
}

/// row *= c.
@inline(__always)
private func scaleRow(_ row: UnsafeMutablePointer<Float>, _ c: Float, _ count: Int) {
  let factor = vsplat(c)
  var d = 0
  while d < count {
    vstore(row + d, vmul(vload(row + d), factor))
    d += 16
  }
}

/// acc[row][d] = fma(p[row][j], v[j][d], acc) over all sixteen keys, for four rows.
@inline(__always)
private func accumulateFour(
  _ p: UnsafePointer<Float>, _ v: UnsafeRawPointer, _ padded: Int, _ size: Int,
  _ acc: UnsafeMutablePointer<Float>
) {
  var d = 0
  while d < padded {
    var a0 = vload(acc + d)
    var a1 = vload(acc + padded + d)
    var a2 = vload(acc + 2 * padded + d)
    var a3 = vload(acc + 3 * padded + d)
    for j in 0..<16 {
      let value = loadStored(v, j &* padded &+ d, size)
      a0 = vfma(vsplat(p[j]), value, a0)
      a1 = vfma(vsplat(p[16 &+ j]), value, a1)
      a2 = vfma(vsplat(p[32 &+ j]), value, a2)
      a3 = vfma(vsplat(p[48 &+ j]), value, a3)
    }
    vstore(acc + d, a0)
    vstore(acc + padded + d, a1)
    vstore(acc + 2 * padded + d, a2)
    vstore(acc + 3 * padded + d, a3)
    d += 16
  }
}

/// acc[d] = fma(p[j], v[j][d], acc) over keys low..<high, for one row.
@inline(__always)
private func accumulateOne(
  _ p: UnsafePointer<Float>, _ v: UnsafeRawPointer, _ padded: Int, _ low: Int, _ high: Int, _ size: Int,
  _ acc: UnsafeMutablePointer<Float>
) {
  var d = 0
  while d + 32 <= padded {
    var a0 = vload(acc + d)
    var a1 = vload(acc + d + 16)
    for j in low..<high {
      let weight = vsplat(p[j])
      a0 = vfma(weight, loadStored(v, j &* padded &+ d, size), a0)
      a1 = vfma(weight, loadStored(v, j &* padded &+ d &+ 16, size), a1)
    }
    vstore(acc + d, a0)
    vstore(acc + d + 16, a1)
    d += 32
  }
  if d < padded {
    var a = vload(acc + d)
    for j in low..<high { a = vfma(vsplat(p[j]), loadStored(v, j &* padded &+ d, size), a) }
    vstore(acc + d, a)
  }
}
