import CIntrinsics
package import Tensors

/// Packs rows of a matrix into the layout that `matmul` reads (see `Kernels.docc`).
///
/// - Parameters:
///   - rowPointers: N pointers to the first wanted column of each output row; nil packs a row of zeros, so any gather
///     or padding of rows is possible.
///   - sourceType: element type behind the pointers: bf16, f16 or f32.
///   - inputs: K, columns to pack.
///   - blocks: blocks of 64 output rows that this call packs: threads share a matrix by them.
///   - destinationType: bf16 (32-bit words, f32 and f16 sources are rounded to nearest even) or f32.
/// Cost: reads the rows once, writes the packed blocks once; above 1 GB/s on one core.
package func packRows(
  rowPointers: UnsafePointer<UnsafeRawPointer?>, sourceType: DType, inputs: Int, outputs: Int,
  blocks: Range<Int>,
  destination: UnsafeMutableRawPointer, destinationType: DType
) {
  let allPanels = (outputs + 15) / 16
  let toBF16 = isBF16(destinationType)
  let depth = toBF16 ? (inputs + 1) / 2 : inputs
  let perWord = toBF16 ? 2 : 1
  // One stretch of columns of sixteen rows, widened or paired to 32-bit words, then transposed.
  var stretch = InlineArray<1024, UInt32>(repeating: 0)
  var span = stretch.mutableSpan
  span.withUnsafeMutableBufferPointer { buffer in
    let words = buffer.baseAddress!
    for block in blocks {
      let blockPanels = min(4, allPanels - block * 4)
      let base = destination.assumingMemoryBound(to: UInt32.self) + block * 64 * depth
      for panel in 0..<blockPanels {
        let firstRow = (block * 4 + panel) * 16
        var start = 0
        while start < depth {
          let count = min(64, depth - start)
          for lane in 0..<16 {
            let row = firstRow + lane
            let source = row < outputs ? rowPointers[row] : nil
            let columns = min(inputs - start * perWord, count * perWord)
            stretchRow(source, sourceType, start * perWord, columns, toBF16, words + lane * 64)
          }
          transposeStretch(words, count, base + (start * blockPanels + panel) * 16, blockPanels * 16)
          start += count
        }
      }
    }
  }
}

/// `columns` elements of one source row as up to 64 destination words; nil is zeros, an odd last column has a zero mate.
private func stretchRow(
  _ source: UnsafeRawPointer?, _ type: DType, _ first: Int, _ columns: Int, _ toBF16: Bool,
  _ out: UnsafeMutablePointer<UInt32>
) {
  guard let source else {
    out.update(repeating: 0, count: 64)
    return
  }
  if toBF16 {
    let halves = UnsafeMutableRawPointer(out).assumingMemoryBound(to: UInt16.self)
    if isBF16(type) {
      copyHalves(source.assumingMemoryBound(to: UInt16.self) + first, columns, halves)
    } else {
      var i = 0
      while i + 16 <= columns {
        vstoreBF16(halves + i, loadWidened(source, type, first + i))
        i += 16
      }
      while i < columns {
        halves[i] = bfloat16Bits(scalarWidened(source, type, first + i))
        i += 1
      }
    }
    if columns & 1 == 1 { halves[columns] = 0 }
  } else {
    let floats = UnsafeMutableRawPointer(out).assumingMemoryBound(to: Float.self)
    var i = 0
    while i + 16 <= columns {
      vstore(floats + i, loadWidened(source, type, first + i))
      i += 16
    }
    while i < columns {
      floats[i] = scalarWidened(source, type, first + i)
      i += 1
    }
  }
}

/// A plain copy; a source row in a checkpoint need not be aligned to its element.
@inline(__always)
private func copyHalves(_ source: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutableRawPointer) {
  out.copyMemory(from: source, byteCount: count * 2)
}

/// Sixteen source elements as f32.
@inline(__always)
func loadWidened(_ source: UnsafeRawPointer, _ type: DType, _ index: Int) -> SIMD16<Float> {
  switch type {
  case .bf16: vloadBF16((source + index * 2).assumingMemoryBound(to: UInt16.self))
  case .f16: vloadF16((source + index * 2).assumingMemoryBound(to: UInt16.self))
  default: vload((source + index * 4).assumingMemoryBound(to: Float.self))
  }
}

/// One source element as f32.
@inline(__always)
func scalarWidened(_ source: UnsafeRawPointer, _ type: DType, _ index: Int) -> Float {
  switch type {
  case .bf16:
    Float(bitPattern: UInt32(source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) << 16)
  case .f16: binary16ToFloat(source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
  default: source.loadUnaligned(fromByteOffset: index * 4, as: Float.self)
  }
}

/// IEEE binary16 bits as f32, exactly; a NaN becomes quiet as the hardware conversion makes it.
func binary16ToFloat(_ bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) << 16
  let exponent = UInt32(bits >> 10) & 0x1F
  let fraction = UInt32(bits & 0x3FF)
  if exponent == 31 {
    let quiet: UInt32 = fraction == 0 ? 0 : 0x40_0000
    return Float(bitPattern: sign | 0x7F80_0000 | quiet | fraction << 13)
  }
  if exponent == 0 {
    let magnitude = Float(fraction) * 0x1p-24
    return Float(bitPattern: sign | magnitude.bitPattern)
  }
  return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
}

/// Sixteen rows of `count` words, 64 apart, to `count` rows of sixteen words, `stride` apart.
@inline(__always)
private func transposeStretch(
  _ words: UnsafeMutablePointer<UInt32>, _ count: Int, _ out: UnsafeMutablePointer<UInt32>, _ stride: Int
) {
  var column = 0
  while column + 8 <= count {
    vtranspose8(words + column, 64, out + column * stride, stride)
    vtranspose8(words + 8 * 64 + column, 64, out + column * stride + 8, stride)
    column += 8
  }
  while column < count {
    for lane in 0..<16 { out[column * stride + lane] = words[lane * 64 + column] }
    column += 1
  }
}
