import Kernels
import KernelsAVX512

// Products that round their activations to bfloat16 (`--numerics fast`).
// One door per kernel; parameters are explained in `Kernels`.

extension KernelTable {
  /// Rounds rows of activations to bfloat16, two columns a word.
  package func roundRows(
    x: UnsafePointer<Float>, rows: Range<Int>, inputs: Int, words: Range<Int>, y: UnsafeMutablePointer<UInt32>
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.roundRows(x: x, rows: rows, inputs: inputs, words: words, y: y)
    case .avx2, .neon, .reference:
      unsafe Kernels.roundRows(x: x, rows: rows, inputs: inputs, words: words, y: y)
    }
  }

  /// y[t][n] = bias[n] + sum over leaves of chains over pairs of columns, the odd column of each first.
  package func matmulRounded(
    weights: UnsafePointer<UInt32>, panels: Range<Int>, inputs: Int, outputs: Int,
    x: UnsafePointer<UInt32>, xRows: UnsafePointer<Int32>?, rows: Int, leafWidth: Int, leafCount: Int,
    merges: UnsafePointer<UInt8>, y: UnsafeMutablePointer<Float>, yStride: Int, rootStride: Int,
    bias: UnsafePointer<Float>?
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.matmulRounded(
        weights: weights, panels: panels, inputs: inputs, outputs: outputs, x: x, xRows: xRows, rows: rows,
        leafWidth: leafWidth, leafCount: leafCount, merges: merges, y: y, yStride: yStride,
        rootStride: rootStride, bias: bias, prefetchBytes: prefetchBytes, usesDots: usesDots)
    case .avx2, .neon:
      unsafe Kernels.matmulRounded(
        weights: weights, panels: panels, inputs: inputs, outputs: outputs, x: x, xRows: xRows, rows: rows,
        leafWidth: leafWidth, leafCount: leafCount, merges: merges, y: y, yStride: yStride,
        rootStride: rootStride, bias: bias, prefetchBytes: prefetchBytes, usesDots: false)
    case .reference:
      unsafe Kernels.referenceMatmulRounded(
        weights: weights, panels: panels, inputs: inputs, outputs: outputs, x: x, xRows: xRows, rows: rows,
        leafWidth: leafWidth, leafCount: leafCount, merges: merges, y: y, yStride: yStride,
        rootStride: rootStride, bias: bias)
    }
  }
}
