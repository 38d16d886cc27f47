import Kernels
import KernelsAVX512
package import Tensors

// Products with q8 and q4 weights, and what prepares both sides of them.
// One door per kernel; parameters are explained in `Kernels`.

extension KernelTable {
  /// Rounds rows of activations to signed bytes in groups of 32 columns.
  package func quantizeRows(
    x: UnsafePointer<Float>, xStride: Int, rows: Range<Int>, layout: QuantGroups, groups: Range<Int>,
    zeroPoint: Int32, y: UnsafeMutableRawPointer
  ) {
    let (inputs, width, count) = (layout.columns, layout.leafWidth, layout.count)
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.quantizeRows(
        x: x, xStride: xStride, rows: rows, inputs: inputs, leafWidth: width, groups: groups,
        groupCount: count, zeroPoint: zeroPoint, y: y)
    case .avx2, .neon:
      unsafe Kernels.quantizeRows(
        x: x, xStride: xStride, rows: rows, inputs: inputs, leafWidth: width, groups: groups,
        groupCount: count, zeroPoint: zeroPoint, y: y)
    case .reference:
      unsafe Kernels.referenceQuantizeRows(
        x: x, xStride: xStride, rows: rows, inputs: inputs, leafWidth: width, groups: groups,
        groupCount: count, zeroPoint: zeroPoint, y: y)
    }
  }

  /// Quantises rows of a matrix to `format` and packs them into the layout that `matmulQuantized` reads.
  package func packQuantizedRows(
    rowPointers: UnsafePointer<UnsafeRawPointer?>, sourceType: DType, inputs: Int, outputs: Int,
    blocks: Range<Int>, destination: UnsafeMutableRawPointer, format: WeightFormat, leafWidth: Int
  ) {
    let isNibbles = format == .q4
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.packQuantizedRows(
        rowPointers: rowPointers, sourceType: sourceType, inputs: inputs, outputs: outputs, blocks: blocks,
        destination: destination, isNibbles: isNibbles, leafWidth: leafWidth)
    case .avx2, .neon:
      unsafe Kernels.packQuantizedRows(
        rowPointers: rowPointers, sourceType: sourceType, inputs: inputs, outputs: outputs, blocks: blocks,
        destination: destination, isNibbles: isNibbles, leafWidth: leafWidth)
    case .reference:
      unsafe Kernels.referencePackQuantizedRows(
        rowPointers: rowPointers, sourceType: sourceType, inputs: inputs, outputs: outputs, blocks: blocks,
        destination: destination, isNibbles: isNibbles, leafWidth: leafWidth)
    }
  }

  /// The product with q8 or q4 weights: exact integer dots per group, one ascending chain over a leaf's
  /// groups.
  package func matmulQuantized(
    weights: UnsafeRawPointer, format: WeightFormat, panels: Range<Int>, outputs: Int, layout: QuantGroups,
    x: UnsafeRawPointer, xRows: UnsafePointer<Int32>?, rows: Int, leafCount: Int,
    merges: UnsafePointer<UInt8>, y: UnsafeMutablePointer<Float>, yStride: Int, rootStride: Int,
    bias: UnsafePointer<Float>?
  ) {
    let (isNibbles, inputs, width) = (format == .q4, layout.columns, layout.leafWidth)
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.matmulQuantized(
        weights: weights, isNibbles: isNibbles, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xRows: xRows, rows: rows, leafWidth: width, leafCount: leafCount, merges: merges, y: y,
        yStride: yStride, rootStride: rootStride, bias: bias, prefetchBytes: prefetchBytes)
    case .avx2, .neon:
      unsafe Kernels.matmulQuantized(
        weights: weights, isNibbles: isNibbles, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xRows: xRows, rows: rows, leafWidth: width, leafCount: leafCount, merges: merges, y: y,
        yStride: yStride, rootStride: rootStride, bias: bias, prefetchBytes: prefetchBytes)
    case .reference:
      unsafe Kernels.referenceMatmulQuantized(
        weights: weights, isNibbles: isNibbles, panels: panels, inputs: inputs, outputs: outputs, x: x,
        xRows: xRows, rows: rows, leafWidth: width, leafCount: leafCount, merges: merges, y: y,
        yStride: yStride, rootStride: rootStride, bias: bias)
    }
  }
}
