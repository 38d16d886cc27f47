/// The textbook twin of `siluMul`.
package func referenceSiluMul(
  gate: UnsafePointer<Float>, gateStride: Int, up: UnsafePointer<Float>, upStride: Int,
  y: UnsafeMutablePointer<Float>, yStride: Int, rows: Range<Int>, columns: Range<Int>
) {
  for row in rows {
    for i in columns {
      let g = gate[row * gateStride + i]
      y[row * yStride + i] = g / (1 + referenceExp(-g)) * up[row * upStride + i]
    }
  }
}

/// The textbook twin of `geluTanhMul`.
package func referenceGeluTanhMul(
  gate: UnsafePointer<Float>, gateStride: Int, up: UnsafePointer<Float>, upStride: Int,
  y: UnsafeMutablePointer<Float>, yStride: Int, rows: Range<Int>, columns: Range<Int>
) {
  for row in rows {
    for i in columns {
      let g = gate[row * gateStride + i]
      let exponent = g * Float(-1.5957692).addingProduct(-0.07135481, g * g)
      y[row * yStride + i] = g / (1 + referenceExp(exponent)) * up[row * upStride + i]
    }
  }
}

/// The textbook twin of `sigmoid`.
package func referenceSigmoid(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
  for i in 0..<count { y[i] = referenceSigmoid(x[i]) }
}

/// The textbook twin of `hyperbolicTangent`.
package func referenceHyperbolicTangent(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
  for i in 0..<count { y[i] = referenceTanh(x[i]) }
}

/// The textbook twin of `softCap`.
package func referenceSoftCap(x: UnsafePointer<Float>, cap: Float, y: UnsafeMutablePointer<Float>, count: Int)
{
  for i in 0..<count { y[i] = cap * referenceTanh(x[i] / cap) }
}

/// The textbook twin of `exponentials`.
package func referenceExponentials(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
  for i in 0..<count { y[i] = referenceExp(x[i]) }
}
