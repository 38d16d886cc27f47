import CIntrinsics
package import Tensors

/// Quantises rows of a matrix and packs them into the layout that `matmulQuantized` reads (see
/// `Kernels.docc`).
///
/// Per row and group of 32 columns, with rounding to even throughout:
/// - q8: scale = f16(a / 127) for the greatest |w| = a; stored byte = 128 + clamp(round(w / scale),
///   -127...127).
/// - q4: scale = f16(e / -8) for the element e of greatest magnitude, the first of equals; stored = clamp(8 +
///   round(w / scale), 0...15).
/// w / scale is w * (1 / scale). Scales are at most 65504; a scale of zero stores zeros; a group with an
/// infinity or NaN
/// has the scale NaN. (The block formats of ggml, with lanes as rows.)
///
/// - Parameters: as those of `packRows`; `leafWidth` says where groups begin anew.
package func packQuantizedRows(
  rowPointers: UnsafePointer<UnsafeRawPointer?>, sourceType: DType, inputs: Int, outputs: Int,
  blocks: Range<Int>, destination: UnsafeMutableRawPointer, isNibbles: Bool, leafWidth: Int
) {
  let allPanels = (outputs + 15) / 16
  let perLeaf = (leafWidth + 31) / 32
  let groupCount = inputs / leafWidth * perLeaf + (inputs % leafWidth + 31) / 32
  let groupWords = isNibbles ? 72 : 136
  // Sixteen rows of up to eight words, then the same transposed.
  var words = InlineArray<256, UInt32>(repeating: 0)
  var span = words.mutableSpan
  span.withUnsafeMutableBufferPointer { buffer in
    let rows = buffer.baseAddress!
    for block in blocks {
      let blockPanels = min(4, allPanels - block * 4)
      let base = destination.assumingMemoryBound(to: UInt32.self) + block * 4 * groupCount * groupWords
      for panel in 0..<blockPanels {
        let firstRow = (block * 4 + panel) * 16
        for group in 0..<groupCount {
          let first = group / perLeaf * leafWidth + group % perLeaf * 32
          let columns = min(32, min(inputs, (group / perLeaf + 1) * leafWidth) - first)
          let out = base + group * blockPanels * groupWords
          let scales = UnsafeMutableRawPointer(out + blockPanels * (groupWords - 8) + panel * 8)
            .assumingMemoryBound(to: UInt16.self)
          for lane in 0..<16 {
            let row = firstRow + lane
            let source = row < outputs ? rowPointers[row] : nil
            scales[lane] = quantizeGroup(source, sourceType, first, columns, isNibbles, rows + lane * 8)
          }
          transposeGroup(rows, isNibbles, out + panel * 16, blockPanels * 16)
        }
      }
    }
  }
}

/// One row's group as eight words of bytes (or four of nibbles); returns the scale's binary16 bits.
@inline(__always)
private func quantizeGroup(
  _ source: UnsafeRawPointer?, _ type: DType, _ first: Int, _ columns: Int, _ isNibbles: Bool,
  _ out: UnsafeMutablePointer<UInt32>
) -> UInt16 {
  let bytes = UnsafeMutableRawPointer(out).assumingMemoryBound(to: UInt8.self)
  var low = vsplat(0)
  var high = vsplat(0)
  if let source {
    if columns == 32 {
      low = loadWidened(source, type, first)
      high = loadWidened(source, type, first + 16)
    } else {
      for i in 0..<columns {
        let value = scalarWidened(source, type, first + i)
        if i < 16 { low[i] = value } else { high[i - 16] = value }
      }
    }
  }
  let greatest = greatestMagnitude(low, high)
  var scale: Float
  if isNibbles {
    scale = vhalfValue(vhalfBits(min(greatest / 8, 65504)))
    // Of equal magnitudes the first one takes the minus eight.
    if signOfFirst(low, high, greatest) { scale = -scale }
    scale = -scale
  } else {
    scale = vhalfValue(vhalfBits(min(greatest / 127, 65504)))
  }
  let finite = greatest < .infinity
  let inverse: Float = scale == 0 || !finite ? 0 : 1 / scale
  let zero: Int32 = isNibbles ? 8 : 128
  if !finite {
    low = vsplat(0)
    high = vsplat(0)
  }
  let a = clampedInt(vmul(low, vsplat(inverse)), isNibbles)
  let b = clampedInt(vmul(high, vsplat(inverse)), isNibbles)
  let x = vaddInt(a, vsplatInt(zero))
  let y = vaddInt(b, vsplatInt(zero))
  if isNibbles {
    vstoreBytes(bytes, vor(x, vshiftLeft4(y)))
  } else {
    vstoreBytes(bytes, x)
    vstoreBytes(bytes + 16, y)
  }
  return finite ? vhalfBits(scale) : 0x7E00
}

/// round(v) within -8...7 or -127...127.
@inline(__always)
private func clampedInt(_ v: SIMD16<Float>, _ isNibbles: Bool) -> SIMD16<Int32> {
  let bound: Float = isNibbles ? 8 : 127
  let upper: Float = isNibbles ? 7 : 127
  return vround(vnegate(vmax(vnegate(vmax(v, vsplat(-bound))), vsplat(-upper))))
}

/// Whether the first element of magnitude `greatest` is negative.
@inline(__always)
private func signOfFirst(_ low: SIMD16<Float>, _ high: SIMD16<Float>, _ greatest: Float) -> Bool {
  let bits = Int32(bitPattern: greatest.bitPattern)
  let inLow = vfirstEqual(vbits(vabs(low)), bits)
  if inLow < 16 { return vbits(low)[Int(inLow)] < 0 }
  let inHigh = vfirstEqual(vbits(vabs(high)), bits)
  return inHigh < 16 && vbits(high)[Int(inHigh)] < 0
}

/// Sixteen rows of eight (nibbles: four) words to that many rows of sixteen words, `stride` apart.
@inline(__always)
private func transposeGroup(
  _ rows: UnsafeMutablePointer<UInt32>, _ isNibbles: Bool, _ out: UnsafeMutablePointer<UInt32>, _ stride: Int
) {
  if !isNibbles {
    vtranspose8(rows, 8, out, stride)
    vtranspose8(rows + 64, 8, out + 8, stride)
    return
  }
  let turned = rows + 128
  vtranspose8(rows, 8, turned, 16)
  vtranspose8(rows + 64, 8, turned + 8, 16)
  for word in 0..<4 { vstoreWords(out + word * stride, vwords(turned + word * 16)) }
}
