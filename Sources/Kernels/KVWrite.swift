import CIntrinsics
package import Tensors

/// Writes keys and values of some tokens into their page slots, for one layer and one kv head.
///
/// A page of S slots holds K as S/16 blocks of [headDim][16 keys] and V as [S][headDim rounded up to 16] (the pad is
/// written as zero). `type` is f32, or bf16 (rounded to nearest even).
/// - Parameters:
///   - k, v: f32, token t at `t * kStride`, `t * vStride`.
///   - slots: page * S + slot in the page, per token; a token with a negative slot is not written.
///   - keys, values: first page of this layer and kv head; pages are `keyPageBytes`, `valuePageBytes` apart.
package func kvWrite(
  k: UnsafePointer<Float>, kStride: Int, v: UnsafePointer<Float>, vStride: Int, tokens: Range<Int>,
  headDim: Int,
  slots: UnsafePointer<Int32>, slotsPerPage: Int, type: DType,
  keys: UnsafeMutableRawPointer, keyPageBytes: Int, values: UnsafeMutableRawPointer, valuePageBytes: Int
) {
  let padded = (headDim + 15) / 16 * 16
  let size = isBF16(type) ? 2 : 4
  for t in tokens where slots[t] >= 0 {
    let page = Int(slots[t]) / slotsPerPage
    let slot = Int(slots[t]) % slotsPerPage
    let keyBase = keys + page * keyPageBytes + (slot / 16 * headDim * 16 + slot % 16) * size
    let valueBase = values + page * valuePageBytes + slot * padded * size
    let kRow = k + t * kStride
    let vRow = v + t * vStride
    if isBF16(type) {
      let keyHalves = keyBase.assumingMemoryBound(to: UInt16.self)
      for d in 0..<headDim { keyHalves[16 &* d] = bfloat16Bits(kRow[d]) }
      let valueHalves = valueBase.assumingMemoryBound(to: UInt16.self)
      var d = 0
      while d < padded {
        vstoreBF16(valueHalves + d, loadLanes(vRow + d, headDim - d))
        d += 16
      }
    } else {
      let keyFloats = keyBase.assumingMemoryBound(to: Float.self)
      for d in 0..<headDim { keyFloats[16 &* d] = kRow[d] }
      let valueFloats = valueBase.assumingMemoryBound(to: Float.self)
      var d = 0
      while d < padded {
        vstore(valueFloats + d, loadLanes(vRow + d, headDim - d))
        d += 16
      }
    }
  }
}
