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
  withScratch((headDim + 15) / 16 * 128 + 64) { base in
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
  let accumulators = queries + 4 * padded
  let weights = accumulators + 4 * padded
  var lower: SIMD4<Int> = .zero
  var last: SIMD4<Int> = .zero
  // Of row r in lane 4 r.
  var maximum = vsplat(-.infinity)
  var sum = vsplat(0)
  var firstBlock = Int.max
  var lastBlock = 0
  // Blocks of which every row sees every key.
  var fullFrom = 0
  var fullTo = Int.max
  for r in 0..<count {
    let (t, head) = ((firstRow + r) / queryHeads, (firstRow + r) % queryHeads)
    lower[r] = Int(lowerKeys?[t] ?? 0)
    last[r] = Int(positions[t])
    firstBlock = min(firstBlock, lower[r] / 16)
    lastBlock = max(lastBlock, last[r] / 16)
    fullFrom = max(fullFrom, (lower[r] + 15) / 16)
    fullTo = min(fullTo, (last[r] + 1) / 16)
    let source = q + t * qStride + head * headDim
    for d in 0..<headDim { queries[4 &* d &+ r] = source[d] * scale }
  }
  accumulators.update(repeating: 0, count: 4 * padded)
  for block in firstBlock...lastBlock {
    let place = BlockPlace(block, pages, headDim, padded, size)
    let next = BlockPlace(min(block + 1, lastBlock), pages, headDim, padded, size)
    scoreBlock(queries, place.keys, next, headDim, count, size, weights)
    if size == 1 { multiplyRows(weights, place.keyScales, count) }
    if block >= fullFrom && block < fullTo && (count == 4 || count == 2) {
      let c = softmaxRows(weights, count, cap, &maximum, &sum)
      for r in 0..<count where c[4 * r] != 1 { scaleRow(accumulators + r * padded, c[4 * r], padded) }
      if size == 1 { multiplyRows(weights, place.valueScales, count) }
      accumulateRows(weights, count, place.values, padded, size, accumulators)
      continue
    }
    let position = block * 16
    for r in 0..<count {
      let low = max(0, lower[r] - position)
      let high = min(16, last[r] - position + 1)
      // A row takes no part in blocks outside its own range.
      if low >= high { continue }
      let c = softmaxBlock(weights + r * 16, low, high, cap, &maximum[4 * r], &sum[4 * r])
      if c != 1 { scaleRow(accumulators + r * padded, c, padded) }
    }
    if size == 1 { multiplyRows(weights, place.valueScales, count) }
    for r in 0..<count {
      let low = max(0, lower[r] - position)
      let high = min(16, last[r] - position + 1)
      if low < high {
        accumulateOne(weights + r * 16, place.values, padded, low, high, size, accumulators + r * padded)
      }
    }
  }
  for r in 0..<count {
    let (t, head) = ((firstRow + r) / queryHeads, (firstRow + r) % queryHeads)
    storeQuotients(accumulators + r * padded, sum[4 * r], headDim, y + t * yStride + head * headDim)
  }
}

/// Where sixteen keys, their values and, in caches of bytes, their scales lie.
struct BlockPlace {
  let keys: UnsafeRawPointer
  let values: UnsafeRawPointer
  /// Behind the keys, and behind the values, of the page.
  let keyScales: UnsafeRawPointer
  let valueScales: UnsafeRawPointer

  @inline(__always)
  init(_ block: Int, _ pages: PageArguments, _ headDim: Int, _ padded: Int, _ size: Int) {
    let page = Int(pages.table[block * 16 / pages.slots])
    let slot = block * 16 % pages.slots
    let keyPage = pages.keys + page * pages.keyBytes
    let valuePage = pages.values + page * pages.valueBytes
    keys = keyPage + slot * headDim * size
    values = valuePage + slot * padded * size
    keyScales = keyPage + pages.slots * headDim + slot * 4
    valueScales = valuePage + pages.slots * padded + slot * 4
  }
}
