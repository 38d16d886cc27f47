import CIntrinsics

/// Finishes a canonical sum: pushes each root and adds the two topmost entries `merges[i]` times after it.
///
/// y[t][n] = residual[t][n] + (total + bias[n]); without residual or bias that addition is left out. y may be residual.
///
/// - Parameters:
///   - roots: `rootCount` (at most 64) pointers to f32 [T][rootStride], in tree order.
///   - merges: `CanonicalTree.completion`; the stack ends with one entry and is never deeper than 16.
///   - rows, columns: the part that this call computes, so that threads can split either way.
/// Cost: reads every root once.
package func treeCombine(
  roots: UnsafePointer<UnsafePointer<Float>>, merges: UnsafePointer<UInt8>, rootCount: Int, rootStride: Int,
  rows: Range<Int>, columns: Range<Int>, y: UnsafeMutablePointer<Float>, yStride: Int,
  residual: UnsafePointer<Float>?, residualStride: Int, bias: UnsafePointer<Float>?
) {
  var stack = InlineArray<16, SIMD16<Float>>(repeating: vsplat(0))
  for t in rows {
    var n = columns.lowerBound
    while n < columns.upperBound {
      let lanes = min(16, columns.upperBound - n)
      var top = 0
      for root in 0..<rootCount {
        stack[top] = loadLanes(roots[root] + t * rootStride + n, lanes)
        top += 1
        for _ in 0..<merges[root] {
          top -= 1
          stack[top - 1] = vadd(stack[top - 1], stack[top])
        }
      }
      var total = stack[0]
      if let bias { total = vadd(total, loadLanes(bias + n, lanes)) }
      if let residual { total = vadd(loadLanes(residual + t * residualStride + n, lanes), total) }
      storeLanes(y + t * yStride + n, total, lanes)
      n += 16
    }
  }
}

/// The first `lanes` of sixteen; the others read as +0.
@inline(__always)
func loadLanes(_ p: UnsafePointer<Float>, _ lanes: Int) -> SIMD16<Float> {
  lanes >= 16 ? vload(p) : vloadPart(p, lanes)
}

/// Stores the first `lanes` of sixteen.
@inline(__always)
func storeLanes(_ p: UnsafeMutablePointer<Float>, _ value: SIMD16<Float>, _ lanes: Int) {
  if lanes >= 16 { vstore(p, value) } else { vstorePart(p, value, lanes) }
}
