import CIntrinsics

/// y = (x * r) * w with r = 1 / sqrt(mean of squares + epsilon), per vector of `size` elements.
///
/// Lane l of sixteen adds up elements 16 i + l, i ascending, with fma; the fixed tree adds the lanes. (Root mean square
/// layer normalisation, Zhang and Sennrich 2019.)
///
/// - Parameters:
///   - rows: rows of the batch that this call computes.
///   - vectorsPerRow: vectors in a row, `size` apart: 1 for a hidden state, heads for query and key norms.
///   - weight: f32 [size], shared by all vectors; `unitOffset` multiplies by 1 + w instead.
/// y may be x.
package func rmsNorm(
  x: UnsafePointer<Float>, xStride: Int, rows: Range<Int>, vectorsPerRow: Int, size: Int,
  weight: UnsafePointer<Float>, unitOffset: Bool, epsilon: Float, y: UnsafeMutablePointer<Float>, yStride: Int
) {
  let one = vsplat(1)
  for row in rows {
    for vector in 0..<vectorsPerRow {
      let source = x + row * xStride + vector * size
      let destination = y + row * yStride + vector * size
      var acc = vsplat(0)
      var i = 0
      while i < size {
        let v = loadLanes(source + i, size - i)
        acc = vfma(v, v, acc)
        i += 16
      }
      let r = vsplat(1 / (vsum(acc) / Float(size) + epsilon).squareRoot())
      i = 0
      while i < size {
        var w = loadLanes(weight + i, size - i)
        if unitOffset { w = vadd(one, w) }
        storeLanes(destination + i, vmul(vmul(loadLanes(source + i, size - i), r), w), size - i)
        i += 16
      }
    }
  }
}
