/// The textbook twin of `rmsNorm`.
package func referenceRMSNorm(
  x: UnsafePointer<Float>, xStride: Int, rows: Range<Int>, vectorsPerRow: Int, size: Int,
  weight: UnsafePointer<Float>, unitOffset: Bool, epsilon: Float, y: UnsafeMutablePointer<Float>, yStride: Int
) {
  for row in rows {
    for vector in 0..<vectorsPerRow {
      let source = x + row * xStride + vector * size
      let destination = y + row * yStride + vector * size
      var lanes = [Float](repeating: 0, count: 16)
      for i in 0..<size { lanes[i % 16] = lanes[i % 16].addingProduct(source[i], source[i]) }
      let mean = treeSum16(lanes) / Float(size)
      let r = 1 / (mean + epsilon).squareRoot()
      for i in 0..<size { destination[i] = (source[i] * r) * (unitOffset ? 1 + weight[i] : weight[i]) }
    }
  }
}
