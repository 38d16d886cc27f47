package import Tensors

/// The textbook twin of `packRows`: one destination word at a time.
package func referencePackRows(
  rowPointers: UnsafePointer<UnsafeRawPointer?>, sourceType: DType, inputs: Int, outputs: Int,
  blocks: Range<Int>,
  destination: UnsafeMutableRawPointer, destinationType: DType
) {
  let allPanels = (outputs + 15) / 16
  func element(_ row: Int, _ column: Int) -> Float {
    guard row < outputs, column < inputs, let source = rowPointers[row] else { return 0 }
    return scalarWidened(source, sourceType, column)
  }
  for block in blocks {
    let blockPanels = min(4, allPanels - block * 4)
    let depth = destinationType == .bf16 ? (inputs + 1) / 2 : inputs
    for step in 0..<depth {
      for row in block * 64..<block * 64 + blockPanels * 16 {
        let panel = row % 64 / 16
        let index = block * 64 * depth + (step * blockPanels + panel) * 16 + row % 16
        let word: UInt32
        if destinationType == .bf16 {
          let low = bfloat16Bits(element(row, step * 2))
          let high = bfloat16Bits(element(row, step * 2 + 1))
          word = UInt32(low) | UInt32(high) << 16
        } else {
          word = element(row, step).bitPattern
        }
        destination.storeBytes(of: word, toByteOffset: index * 4, as: UInt32.self)
      }
    }
  }

  /// A bf16 source passes through unchanged, signalling NaN patterns too.
  func bfloat16Bits(_ value: Float) -> UInt16 {
    sourceType == .bf16 ? UInt16(value.bitPattern >> 16) : BFloat16(value).bits
  }
}
