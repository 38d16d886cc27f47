import CIntrinsics
import Tensors

/// The textbook twin of `matmulRounded`: one element at a time.
package func referenceMatmulRounded(
  weights: UnsafePointer<UInt32>, panels: Range<Int>, inputs: Int, outputs: Int,
  x: UnsafePointer<UInt32>, xRows: UnsafePointer<Int32>?, rows: Int,
  leafWidth: Int, leafCount: Int, merges: UnsafePointer<UInt8>,
  y: UnsafeMutablePointer<Float>, yStride: Int, rootStride: Int, bias: UnsafePointer<Float>?
) {
  let depth = (inputs + 1) / 2
  var stack: [Float] = []
  for t in 0..<rows {
    let xRow = x + Int(xRows?[t] ?? Int32(t)) * depth
    for n in panels.lowerBound * 16..<max(panels.lowerBound * 16, min(outputs, panels.upperBound * 16)) {
      stack.removeAll()
      for leaf in 0..<leafCount {
        let columns = leaf * leafWidth..<min(inputs, (leaf + 1) * leafWidth)
        let formerMode = flushSubnormals()
        stack.append(pairChain(weights, inputs, outputs, n, columns, xRow))
        restoreSubnormals(formerMode)
        for _ in 0..<merges[leaf] {
          let b = stack.removeLast()
          stack[stack.count - 1] += b
        }
      }
      for (root, sum) in stack.enumerated() {
        y[root * rootStride + t * yStride + n] = bias.map { sum + $0[n] } ?? sum
      }
    }
  }
}

/// Never inlined: no arithmetic may leave the stretch in which subnormal numbers are zeros.
@inline(never)
private func pairChain(
  _ weights: UnsafePointer<UInt32>, _ inputs: Int, _ outputs: Int, _ n: Int, _ columns: Range<Int>,
  _ x: UnsafePointer<UInt32>
) -> Float {
  var sum: Float = 0
  for even in stride(from: columns.lowerBound, to: columns.upperBound, by: 2) {
    for k in [even + 1, even] where k < columns.upperBound {
      let word = x[k / 2]
      let value = Float(bitPattern: k & 1 == 0 ? word << 16 : word & 0xFFFF_0000)
      sum = sum.addingProduct(packedWeight(weights, .bf16, inputs, outputs, n, k), value)
    }
  }
  return sum
}
