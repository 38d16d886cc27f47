/// The textbook twin of `softmax`.
package func referenceSoftmax(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
  let m = referenceMaximum(x, count)
  var lanes = [Float](repeating: 0, count: 16)
  for i in 0..<count {
    y[i] = referenceExp(x[i] - m)
    lanes[i % 16] += y[i]
  }
  let total = treeSum16(lanes)
  for i in 0..<count { y[i] /= total }
}

/// Greatest element by sixteen lanes and the fixed tree.
private func referenceMaximum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var lanes = [Float](repeating: -.infinity, count: 16)
  for start in stride(from: 0, to: count, by: 16) {
    for l in 0..<16 {
      let v = start + l < count ? x[start + l] : -.infinity
      lanes[l] = v > lanes[l] ? v : lanes[l]
    }
  }
  return treeMax16(lanes)
}

/// The textbook twin of `logSumExpLeaves`.
package func referenceLogSumExpLeaves(
  x: UnsafePointer<Float>, count: Int, leafWidth: Int,
  maxima: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>
) {
  for (leaf, start) in stride(from: 0, to: count, by: leafWidth).enumerated() {
    let width = min(leafWidth, count - start)
    let m = referenceMaximum(x + start, width)
    var lanes = [Float](repeating: 0, count: 16)
    if m > -.infinity {
      for i in 0..<width { lanes[i % 16] += referenceExp(x[start + i] - m) }
    }
    maxima[leaf] = m
    sums[leaf] = treeSum16(lanes)
  }
}

/// Adds up the parts of `logSumExpLeaves` along a tree: after part i the two topmost (m, s) are merged `merges[i]` times.
///
/// (a, b) become m = max, s = fma(s_a, e^(m_a - m), s_b e^(m_b - m)). What is left on the stack, bottom first, goes back to the start of
/// the arrays (the roots of a rank's leaves, or the one total). Scalar for every instruction set: a few parts per row.
///
/// - Returns: how many entries are left.
package func logSumExpCombine(
  maxima: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>, count: Int,
  merges: UnsafePointer<UInt8>
) -> Int {
  var top = 0
  for part in 0..<count {
    maxima[top] = maxima[part]
    sums[top] = sums[part]
    top += 1
    for _ in 0..<merges[part] {
      top -= 1
      let (ma, mb) = (maxima[top - 1], maxima[top])
      let m = ma > mb ? ma : mb
      if m > -.infinity {
        let right = sums[top] * referenceExp(mb - m)
        sums[top - 1] = right.addingProduct(sums[top - 1], referenceExp(ma - m))
      }
      maxima[top - 1] = m
    }
  }
  return top
}

/// The textbook twin of `topK`: a stable sort.
package func referenceTopK(
  x: UnsafePointer<Float>, size: Int, count: Int,
  indices: UnsafeMutablePointer<Int32>, values: UnsafeMutablePointer<Float>
) {
  func key(_ i: Int) -> Float { x[i] == x[i] ? x[i] : -.infinity }
  let order = (0..<size).sorted { key($0) != key($1) ? key($0) > key($1) : $0 < $1 }
  for slot in 0..<count {
    indices[slot] = slot < size ? Int32(order[slot]) : -1
    values[slot] = slot < size ? x[order[slot]] : -.infinity
  }
}

/// The textbook twin of `argmax`.
package func referenceArgmax(x: UnsafePointer<Float>, count: Int) -> Int {
  var best = 0
  var bestValue = -Float.infinity
  for i in 0..<count where x[i] > bestValue {
    best = i
    bestValue = x[i]
  }
  return best
}
