package import Tensors

/// The textbook twin of `matmul`: one element at a time, `Float.addingProduct`.
package func referenceMatmul(
  weights: UnsafeRawPointer, type: DType, panels: Range<Int>, inputs: Int, outputs: Int,
  x: UnsafePointer<Float>, xStride: Int, xRows: UnsafePointer<Int32>?, rows: Int,
  y: UnsafeMutablePointer<Float>, yStride: Int, bias: UnsafePointer<Float>?
) {
  for t in 0..<rows {
    let xRow = x + Int(xRows?[t] ?? Int32(t)) * xStride
    for n in panels.lowerBound * 16..<max(panels.lowerBound * 16, min(outputs, panels.upperBound * 16)) {
      var acc: Float = 0
      for k in 0..<inputs {
        acc = acc.addingProduct(packedWeight(weights, type, inputs, outputs, n, k), xRow[k])
      }
      if let bias { acc += bias[n] }
      y[t * yStride + n] = acc
    }
  }
}

/// The textbook twin of `matmulLeaves`.
package func referenceMatmulLeaves(
  weights: UnsafeRawPointer, type: DType, panels: Range<Int>, inputs: Int, outputs: Int,
  x: UnsafePointer<Float>, xStride: Int, xRows: UnsafePointer<Int32>?, rows: Int,
  leafWidth: Int, leafCount: Int, merges: UnsafePointer<UInt8>,
  y: UnsafeMutablePointer<Float>, yStride: Int, rootStride: Int
) {
  var stack: [Float] = []
  for t in 0..<rows {
    let xRow = x + Int(xRows?[t] ?? Int32(t)) * xStride
    for n in panels.lowerBound * 16..<max(panels.lowerBound * 16, min(outputs, panels.upperBound * 16)) {
      stack.removeAll()
      for leaf in 0..<leafCount {
        var acc: Float = 0
        for k in leaf * leafWidth..<min(inputs, (leaf + 1) * leafWidth) {
          acc = acc.addingProduct(packedWeight(weights, type, inputs, outputs, n, k), xRow[k])
        }
        stack.append(acc)
        for _ in 0..<merges[leaf] {
          let b = stack.removeLast()
          stack[stack.count - 1] += b
        }
      }
      for (root, sum) in stack.enumerated() { y[root * rootStride + t * yStride + n] = sum }
    }
  }
}

/// Element [n][k] of a packed matrix: the layout, spelled out.
package func packedWeight(
  _ weights: UnsafeRawPointer, _ type: DType, _ inputs: Int, _ outputs: Int, _ n: Int, _ k: Int
) -> Float {
  let block = n / 64
  let blockPanels = min(4, (outputs + 15) / 16 - block * 4)
  let panel = n % 64 / 16
  let lane = n % 16
  if type == .bf16 {
    let index = block * 64 * ((inputs + 1) / 2) + (k / 2 * blockPanels + panel) * 16 + lane
    let word = weights.load(fromByteOffset: index * 4, as: UInt32.self)
    return Float(bitPattern: k & 1 == 0 ? word << 16 : word & 0xFFFF_0000)
  }
  let index = block * 64 * inputs + (k * blockPanels + panel) * 16 + lane
  return weights.load(fromByteOffset: index * 4, as: Float.self)
}
