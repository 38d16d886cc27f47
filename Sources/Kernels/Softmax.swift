import CIntrinsics

/// y = e^(x - max) / sum over one short row, such as router scores. y may be x.
///
/// Lane l of sixteen takes elements 16 i + l, i ascending; fixed trees finish maximum and sum.
package func softmax(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
  let m = vsplat(rowMaximum(x, count))
  var acc = vsplat(0)
  var i = 0
  while i < count {
    let e = vexp(vsub(loadLanes(x + i, count - i), m))
    storeLanes(y + i, e, count - i)
    acc = vadd(acc, firstLanes(e, count - i))
    i += 16
  }
  let total = vsplat(vsum(acc))
  i = 0
  while i < count {
    storeLanes(y + i, vdiv(loadLanes(y + i, count - i), total), count - i)
    i += 16
  }
}

/// Lanes below `lanes`; the others become +0.
@inline(__always)
func firstLanes(_ v: SIMD16<Float>, _ lanes: Int) -> SIMD16<Float> {
  lanes >= 16 ? v : vselect(vgreaterInt(vsplatInt(Int32(lanes)), vlanes()), v, vsplat(0))
}

/// Greatest element by lanes and tree; -infinity for an empty row.
@inline(__always)
func rowMaximum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  let lowest = vsplat(-.infinity)
  var m = lowest
  var i = 0
  while i < count {
    let lanes = count - i
    var v = loadLanes(x + i, lanes)
    if lanes < 16 { v = vselect(vgreaterInt(vsplatInt(Int32(lanes)), vlanes()), v, lowest) }
    m = vmax(v, m)
    i += 16
  }
  return vmaxLane(m)
}

/// Maximum and sum of e^(x - maximum) for each leaf of a row of logits: the parts of a log-sum-exp.
///
/// A leaf is `leafWidth` columns, a multiple of sixteen, the last may be shorter; a vocabulary cut at leaf borders gives
/// the same parts on every mesh. A leaf without a finite maximum gives (-infinity, 0).
package func logSumExpLeaves(
  x: UnsafePointer<Float>, count: Int, leafWidth: Int,
  maxima: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>
) {
  var start = 0
  var leaf = 0
  while start < count {
    let width = min(leafWidth, count - start)
    let maximum = rowMaximum(x + start, width)
    var acc = vsplat(0)
    if maximum > -.infinity {
      let m = vsplat(maximum)
      var i = 0
      while i < width {
        acc = vadd(acc, firstLanes(vexp(vsub(loadLanes(x + start + i, width - i), m)), width - i))
        i += 16
      }
    }
    maxima[leaf] = maximum
    sums[leaf] = vsum(acc)
    start += width
    leaf += 1
  }
}

/// The `count` largest elements of a row, descending; equal values in ascending order of index.
///
/// NaN and -infinity come last, in ascending order of index. Cost: `count` passes over the row.
package func topK(
  x: UnsafePointer<Float>, size: Int, count: Int,
  indices: UnsafeMutablePointer<Int32>, values: UnsafeMutablePointer<Float>
) {
  for slot in 0..<count {
    var best = -1
    var bestValue = -Float.infinity
    for i in 0..<size where best < 0 || x[i] > bestValue {
      var taken = false
      for earlier in 0..<slot where indices[earlier] == Int32(i) { taken = true }
      if taken { continue }
      best = i
      bestValue = x[i] == x[i] ? x[i] : -.infinity
    }
    indices[slot] = Int32(best)
    values[slot] = best < 0 ? -.infinity : x[best]
  }
}

/// Index of the greatest element, the lowest one among equals; NaN never wins; 0 when nothing is above -infinity.
package func argmax(x: UnsafePointer<Float>, count: Int) -> Int {
  var best = vsplat(-.infinity)
  var bestIndex = vsplatInt(Int32.max)
  var index = vlanes()
  let step = vsplatInt(16)
  var i = 0
  while i + 16 <= count {
    let v = vload(x + i)
    let better = vgreater(v, best)
    best = vselect(better, v, best)
    bestIndex = vselectInt(better, index, bestIndex)
    index = vaddInt(index, step)
    i += 16
  }
  var winner = -Float.infinity
  var position = Int32.max
  for lane in 0..<16 where best[lane] > winner || (best[lane] == winner && bestIndex[lane] < position) {
    winner = best[lane]
    position = bestIndex[lane]
  }
  while i < count {
    if x[i] > winner {
      winner = x[i]
      position = Int32(i)
    }
    i += 1
  }
  return position == Int32.max ? 0 : Int(position)
}
