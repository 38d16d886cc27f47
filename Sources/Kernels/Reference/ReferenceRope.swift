/// The textbook twin of `rope`.
package func referenceRope(
  x: UnsafeMutablePointer<Float>, xStride: Int, rows: Range<Int>, heads: Int, headDim: Int, rotaryDim: Int,
  positions: UnsafePointer<Int32>, cosines: UnsafePointer<Float>, sines: UnsafePointer<Float>
) {
  let half = rotaryDim / 2
  for row in rows {
    for head in 0..<heads {
      let vector = x + row * xStride + head * headDim
      for i in 0..<half {
        let c = cosines[Int(positions[row]) * half + i]
        let s = sines[Int(positions[row]) * half + i]
        let a = vector[i]
        let b = vector[i + half]
        vector[i] = (a * c).addingProduct(-b, s)
        vector[i + half] = (b * c).addingProduct(a, s)
      }
    }
  }
}
