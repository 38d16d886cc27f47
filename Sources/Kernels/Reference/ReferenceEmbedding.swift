package import Tensors

/// The textbook twin of `embed`.
package func referenceEmbed(
  weights: UnsafeRawPointer, type: DType, inputs: Int, outputs: Int,
  tokens: UnsafePointer<Int32>, rows: Range<Int>, y: UnsafeMutablePointer<Float>, yStride: Int
) {
  for t in rows {
    for k in 0..<inputs {
      let n = Int(tokens[t])
      y[t * yStride + k] = n < 0 ? 0 : packedWeight(weights, type, inputs, outputs, n, k) + 0
    }
  }
}
