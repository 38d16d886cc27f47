import Kernels
import KernelsAVX512
package import Tensors

// Matrix products, weight packing and the sums that follow them.
// One door per kernel; parameters are explained in `Kernels`.

extension KernelTable {
  /// y[t][n] = bias[n] + chain over ascending k of fma(w[n][k], x[t][k], acc), acc from +0.
  package func matmul(
    weights: UnsafeRawPointer, type: DType, panels: Range<Int>, inputs: Int, outputs: Int,
    x: UnsafePointer<Float>, xStride: Int, xRows: UnsafePointer<Int32>?, rows: Int,
    y: UnsafeMutablePointer<Float>, yStride: Int, bias: UnsafePointer<Float>?
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.matmul(
        weights: weights, type: type, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xStride: xStride, xRows: xRows, rows: rows, y: y, yStride: yStride, bias: bias,
        prefetchBytes: prefetchBytes)
    case .avx2, .neon:
      unsafe Kernels.matmul(
        weights: weights, type: type, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xStride: xStride, xRows: xRows, rows: rows, y: y, yStride: yStride, bias: bias,
        prefetchBytes: prefetchBytes)
    case .reference:
      unsafe Kernels.referenceMatmul(
        weights: weights, type: type, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xStride: xStride, xRows: xRows, rows: rows, y: y, yStride: yStride, bias: bias)
    }
  }

  /// The row-parallel form of `matmul`: chains per leaf of `leafWidth` columns, added up along the canonical
  /// tree.
  package func matmulLeaves(
    weights: UnsafeRawPointer, type: DType, panels: Range<Int>, inputs: Int, outputs: Int,
    x: UnsafePointer<Float>, xStride: Int, xRows: UnsafePointer<Int32>?, rows: Int, leafWidth: Int,
    leafCount: Int, merges: UnsafePointer<UInt8>, y: UnsafeMutablePointer<Float>, yStride: Int,
    rootStride: Int
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.matmulLeaves(
        weights: weights, type: type, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xStride: xStride, xRows: xRows, rows: rows, leafWidth: leafWidth, leafCount: leafCount,
        merges: merges, y: y, yStride: yStride, rootStride: rootStride, prefetchBytes: prefetchBytes)
    case .avx2, .neon:
      unsafe Kernels.matmulLeaves(
        weights: weights, type: type, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xStride: xStride, xRows: xRows, rows: rows, leafWidth: leafWidth, leafCount: leafCount,
        merges: merges, y: y, yStride: yStride, rootStride: rootStride, prefetchBytes: prefetchBytes)
    case .reference:
      unsafe Kernels.referenceMatmulLeaves(
        weights: weights, type: type, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xStride: xStride, xRows: xRows, rows: rows, leafWidth: leafWidth, leafCount: leafCount,
        merges: merges, y: y, yStride: yStride, rootStride: rootStride)
    }
  }

  /// Packs rows of a matrix into the layout that `matmul` reads (see `Kernels.docc`).
  package func packRows(
    rowPointers: UnsafePointer<UnsafeRawPointer?>, sourceType: DType, inputs: Int, outputs: Int,
    blocks: Range<Int>, destination: UnsafeMutableRawPointer, destinationType: DType
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.packRows(
        rowPointers: rowPointers, sourceType: sourceType, inputs: inputs, outputs: outputs,
        blocks: blocks, destination: destination, destinationType: destinationType)
    case .avx2, .neon:
      unsafe Kernels.packRows(
        rowPointers: rowPointers, sourceType: sourceType, inputs: inputs, outputs: outputs,
        blocks: blocks, destination: destination, destinationType: destinationType)
    case .reference:
      unsafe Kernels.referencePackRows(
        rowPointers: rowPointers, sourceType: sourceType, inputs: inputs, outputs: outputs,
        blocks: blocks, destination: destination, destinationType: destinationType)
    }
  }

  /// Finishes a canonical sum: pushes each root and adds the two topmost entries `merges[i]` times after it.
  package func treeCombine(
    roots: UnsafePointer<UnsafePointer<Float>>, merges: UnsafePointer<UInt8>, rootCount: Int,
    rootStride: Int, rows: Range<Int>, columns: Range<Int>, y: UnsafeMutablePointer<Float>, yStride: Int,
    residual: UnsafePointer<Float>?, residualStride: Int, bias: UnsafePointer<Float>?
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.treeCombine(
        roots: roots, merges: merges, rootCount: rootCount, rootStride: rootStride, rows: rows,
        columns: columns, y: y, yStride: yStride, residual: residual, residualStride: residualStride,
        bias: bias)
    case .avx2, .neon:
      unsafe Kernels.treeCombine(
        roots: roots, merges: merges, rootCount: rootCount, rootStride: rootStride, rows: rows,
        columns: columns, y: y, yStride: yStride, residual: residual, residualStride: residualStride,
        bias: bias)
    case .reference:
      unsafe Kernels.referenceTreeCombine(
        roots: roots, merges: merges, rootCount: rootCount, rootStride: rootStride, rows: rows,
        columns: columns, y: y, yStride: yStride, residual: residual, residualStride: residualStride,
        bias: bias)
    }
  }

  /// y[t] = row `tokens[t]` of a packed matrix, plus +0 (so -0 becomes +0), or zeros where the token is
  /// negative.
  package func embed(
    weights: UnsafeRawPointer, type: DType, inputs: Int, outputs: Int, tokens: UnsafePointer<Int32>,
    rows: Range<Int>, y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.embed(
        weights: weights, type: type, inputs: inputs, outputs: outputs, tokens: tokens, rows: rows, y: y,
        yStride: yStride)
    case .avx2, .neon:
      unsafe Kernels.embed(
        weights: weights, type: type, inputs: inputs, outputs: outputs, tokens: tokens, rows: rows, y: y,
        yStride: yStride)
    case .reference:
      unsafe Kernels.referenceEmbed(
        weights: weights, type: type, inputs: inputs, outputs: outputs, tokens: tokens, rows: rows, y: y,
        yStride: yStride)
    }
  }
}
