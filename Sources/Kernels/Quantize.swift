import CIntrinsics

/// Rounds rows of activations to signed bytes in groups of 32 columns, for products with q8 and q4 weights.
///
/// Per group: a = greatest |x|; scale = a / 127; byte = round to even (x * (127 / a)); start = -zeroPoint *
/// sum of bytes,
/// where the integer sum of a product begins because weights are stored `zeroPoint` too high. A group whose
/// a is at most
/// 2^-100 is all zeros with scale 0; one with an infinity or NaN has zeros and the scale NaN. Groups never
/// cross a leaf.
///
/// - Parameters:
///   - x: f32 [rows][xStride], `inputs` columns used.
///   - groups: groups of each row that this call computes.
///   - y: rows of `QuantGroups.rowBytes`; per group 32 bytes, the f32 scale, the i32 start: one address a
///   row.
/// Cost: one pass; about one cycle per element.
package func quantizeRows(
  x: UnsafePointer<Float>, xStride: Int, rows: Range<Int>, inputs: Int, leafWidth: Int, groups: Range<Int>,
  groupCount: Int, zeroPoint: Int32, y: UnsafeMutableRawPointer
) {
  let perLeaf = (leafWidth + 31) / 32
  for row in rows {
    for group in groups {
      let first = group / perLeaf * leafWidth + group % perLeaf * 32
      let end = min(inputs, (group / perLeaf + 1) * leafWidth)
      let source = x + row * xStride + first
      let low = loadLanes(source, end - first)
      let high = end - first > 16 ? loadLanes(source + 16, end - first - 16) : vsplat(0)
      let greatest = greatestMagnitude(low, high)
      let usable = greatest > 0x1p-100 && greatest < .infinity
      let inverse: Float = usable ? 127 / greatest : 0
      let a = usable ? vround(vmul(low, vsplat(inverse))) : vsplatInt(0)
      let b = usable ? vround(vmul(high, vsplat(inverse))) : vsplatInt(0)
      let record = y + (row * groupCount + group) * 40
      vstoreBytes(record.assumingMemoryBound(to: UInt8.self), a)
      vstoreBytes(record.assumingMemoryBound(to: UInt8.self) + 16, b)
      let scale: Float = usable ? greatest / 127 : (greatest <= 0x1p-100 ? 0 : .nan)
      record.storeBytes(of: scale, toByteOffset: 32, as: Float.self)
      let start = vsumInt(vaddInt(a, b)) &* (0 &- zeroPoint)
      record.storeBytes(of: start, toByteOffset: 36, as: Int32.self)
    }
  }
}

/// Greatest |x| of a group; NaN when one is NaN.
@inline(__always)
func greatestMagnitude(_ low: SIMD16<Float>, _ high: SIMD16<Float>) -> Float {
  // Bit patterns of magnitudes are ordered as their values, and every NaN lies above infinity.
  let m = vmaxInt(vbits(vabs(low)), vbits(vabs(high)))
  return Float(bitPattern: UInt32(bitPattern: vmaxLaneInt(m)))
}
