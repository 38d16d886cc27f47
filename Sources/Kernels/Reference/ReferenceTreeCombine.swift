/// The textbook twin of `treeCombine`.
package func referenceTreeCombine(
  roots: UnsafePointer<UnsafePointer<Float>>, merges: UnsafePointer<UInt8>, rootCount: Int, rootStride: Int,
  rows: Range<Int>, columns: Range<Int>, y: UnsafeMutablePointer<Float>, yStride: Int,
  residual: UnsafePointer<Float>?, residualStride: Int, bias: UnsafePointer<Float>?
) {
  for t in rows {
    for n in columns {
      var stack: [Float] = []
      for root in 0..<rootCount {
        stack.append(roots[root][t * rootStride + n])
        for _ in 0..<merges[root] {
          let b = stack.removeLast()
          stack[stack.count - 1] += b
        }
      }
      var total = stack[0]
      if let bias { total += bias[n] }
      if let residual { total = residual[t * residualStride + n] + total }
      y[t * yStride + n] = total
    }
  }
}

/// The fixed tree over sixteen lanes that every horizontal sum uses: l with l + 8, then + 4, + 2, + 1.
func treeSum16(_ lanes: [Float]) -> Float {
  var lanes = lanes
  for step in [8, 4, 2, 1] {
    for l in 0..<step { lanes[l] += lanes[l + step] }
  }
  return lanes[0]
}

/// The same tree with a > b ? a : b.
func treeMax16(_ lanes: [Float]) -> Float {
  var lanes = lanes
  for step in [8, 4, 2, 1] {
    for l in 0..<step { lanes[l] = lanes[l] > lanes[l + step] ? lanes[l] : lanes[l + step] }
  }
  return lanes[0]
}
