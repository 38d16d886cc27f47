import CIntrinsics
package import Tensors

/// Writes keys and values of some tokens into their page slots, for one layer and one kv head.
///
/// A page of S slots holds K as S/16 blocks of [headDim][16 keys] and V as [S][headDim rounded up to 16]
/// (the pad is written as zero). `format` is f32, bf16 (rounded to nearest even) or q8: bytes round(x 127 /
/// a) for the greatest |x| = a of the vector, and behind the page's bytes a f32 scale a / 127 per slot
/// (rules of `quantizeRows`).
/// - Parameters:
///   - k, v: f32, token t at `t * kStride`, `t * vStride`.
///   - slots: page * S + slot in the page, per token; a token with a negative slot is not written.
///   - keys, values: first page of this layer and kv head; pages are `keyPageBytes`, `valuePageBytes` apart.
package func kvWrite(
  k: UnsafePointer<Float>, kStride: Int, v: UnsafePointer<Float>, vStride: Int, tokens: Range<Int>,
  headDim: Int,
  slots: UnsafePointer<Int32>, slotsPerPage: Int, format: KVFormat,
  keys: UnsafeMutableRawPointer, keyPageBytes: Int, values: UnsafeMutableRawPointer, valuePageBytes: Int
) {
  let padded = (headDim + 15) / 16 * 16
  let size = elementBytes(format)
  for t in tokens where slots[t] >= 0 {
    let page = Int(slots[t]) / slotsPerPage
    let slot = Int(slots[t]) % slotsPerPage
    let keyBase = keys + page * keyPageBytes + (slot / 16 * headDim * 16 + slot % 16) * size
    let valueBase = values + page * valuePageBytes + slot * padded * size
    let kRow = k + t * kStride
    let vRow = v + t * vStride
    switch size {
    case 2:
      let keyHalves = keyBase.assumingMemoryBound(to: UInt16.self)
      for d in 0..<headDim { keyHalves[16 &* d] = bfloat16Bits(kRow[d]) }
      let valueHalves = valueBase.assumingMemoryBound(to: UInt16.self)
      var d = 0
      while d < padded {
        vstoreBF16(valueHalves + d, loadLanes(vRow + d, headDim - d))
        d += 16
      }
    case 4:
      let keyFloats = keyBase.assumingMemoryBound(to: Float.self)
      for d in 0..<headDim { keyFloats[16 &* d] = kRow[d] }
      let valueFloats = valueBase.assumingMemoryBound(to: Float.self)
      var d = 0
      while d < padded {
        vstore(valueFloats + d, loadLanes(vRow + d, headDim - d))
        d += 16
      }
    default:
      let keyScales = keys + page * keyPageBytes + slotsPerPage * headDim + slot * 4
      let valueScales = values + page * valuePageBytes + slotsPerPage * padded + slot * 4
      writeBytes(kRow, headDim, keyBase.assumingMemoryBound(to: UInt8.self), 16, keyScales)
      writeBytes(vRow, headDim, valueBase.assumingMemoryBound(to: UInt8.self), 1, valueScales)
    }
  }
}

/// One vector as bytes `stride` apart, and its scale; contiguous bytes are padded with zeros to a multiple
/// of sixteen.
@inline(__always)
private func writeBytes(
  _ x: UnsafePointer<Float>, _ count: Int, _ out: UnsafeMutablePointer<UInt8>, _ stride: Int,
  _ scale: UnsafeMutableRawPointer
) {
  var greatest = vsplatInt(0)
  var d = 0
  while d < count {
    greatest = vmaxInt(greatest, vbits(vabs(loadLanes(x + d, count - d))))
    d += 16
  }
  let a = Float(bitPattern: UInt32(bitPattern: vmaxLaneInt(greatest)))
  let usable = a > 0x1p-100 && a < .infinity
  let inverse = vsplat(usable ? 127 / a : 0)
  scale.storeBytes(of: usable ? a / 127 : (a <= 0x1p-100 ? 0 : .nan), as: Float.self)
  d = 0
  while d < count {
    let rounded = usable ? vround(vmul(loadLanes(x + d, count - d), inverse)) : vsplatInt(0)
    if stride == 1 {
      vstoreBytes(out + d, rounded)
    } else {
      for lane in 0..<min(16, count - d) {
        out[(d + lane) * stride] = UInt8(truncatingIfNeeded: rounded[lane])
      }
    }
    d += 16
  }
}
