import CIntrinsics

// One block of sixteen keys: scores, weights, and the sum of weighted values.

/// y = row / divisor.
@inline(__always)
func storeQuotients(
  _ row: UnsafePointer<Float>, _ divisor: Float, _ headDim: Int, _ y: UnsafeMutablePointer<Float>
) {
  let divisor = vsplat(divisor)
  var d = 0
  while d < headDim {
    storeLanes(y + d, vdiv(vload(row + d), divisor), headDim - d)
    d += 16
  }
}

/// Sixteen stored elements as f32.
@inline(__always)
func loadStored(_ base: UnsafeRawPointer, _ index: Int, _ size: Int) -> SIMD16<Float> {
  switch size {
  case 2: vloadBF16(base.assumingMemoryBound(to: UInt16.self) + index)
  case 4: vload(base.assumingMemoryBound(to: Float.self) + index)
  default: vloadInt8(base.assumingMemoryBound(to: Int8.self) + index)
  }
}

/// Scores of up to four rows against the sixteen keys of a block: out[row][key].
///
/// Meanwhile the next block is fetched into the second-level cache, a line or two at a time: pages lie anywhere, so the
/// processor cannot guess it, and their distance would crowd it into a few sets of the first-level cache.
@inline(__always)
func scoreBlock(
  _ queries: UnsafePointer<Float>, _ k: UnsafeRawPointer, _ next: BlockPlace, _ headDim: Int, _ count: Int,
  _ size: Int, _ out: UnsafeMutablePointer<Float>
) {
  var (s0, s1, s2, s3) = (vsplat(0), vsplat(0), vsplat(0), vsplat(0))
  for d in 0..<headDim {
    let key = loadStored(k, 16 &* d, size)
    vprefetchFar(next.keys + 16 &* d &* size)
    vprefetchFar(next.values + 16 &* d &* size)
    s0 = vfma(vsplat(queries[4 &* d]), key, s0)
    s1 = vfma(vsplat(queries[4 &* d &+ 1]), key, s1)
    if count > 2 {
      s2 = vfma(vsplat(queries[4 &* d &+ 2]), key, s2)
      s3 = vfma(vsplat(queries[4 &* d &+ 3]), key, s3)
    }
  }
  vstore(out, s0)
  vstore(out + 16, s1)
  if count > 2 {
    vstore(out + 32, s2)
    vstore(out + 48, s3)
  }
}

/// Turns one row's scores into weights in place, updates its maximum and sum, returns the factor of what
/// came before.
@inline(__always)
func softmaxBlock(
  _ scores: UnsafeMutablePointer<Float>, _ low: Int, _ high: Int, _ cap: Float, _ maximum: inout Float,
  _ sum: inout Float
) -> Float {
  var s = vload(scores)
  if cap > 0 { s = vmul(vsplat(cap), vtanh(vdiv(s, vsplat(cap)))) }
  let visible = vand(
    vgreaterInt(vsplatInt(Int32(high)), vlanes()), vgreaterInt(vlanes(), vsplatInt(Int32(low) - 1)))
  s = vselect(visible, s, vsplat(-.infinity))
  let blockMaximum = vmaxLane(s)
  let newMaximum = blockMaximum > maximum ? blockMaximum : maximum
  let c = vexp(vsplat(maximum - newMaximum))[0]
  let p = vselect(visible, vexp(vsub(s, vsplat(newMaximum))), vsplat(0))
  sum = sum * c + vsum(p)
  maximum = newMaximum
  vstore(scores, p)
  return c
}

/// `softmaxBlock` of two or four rows that see all keys: the same operations, those of a row in lane 4 r.
@inline(__always)
func softmaxRows(
  _ scores: UnsafeMutablePointer<Float>, _ count: Int, _ cap: Float, _ maximum: inout SIMD16<Float>,
  _ sum: inout SIMD16<Float>
) -> SIMD16<Float> {
  var (s0, s1) = (vload(scores), vload(scores + 16))
  if cap > 0 {
    s0 = vmul(vsplat(cap), vtanh(vdiv(s0, vsplat(cap))))
    s1 = vmul(vsplat(cap), vtanh(vdiv(s1, vsplat(cap))))
  }
  var (s2, s3) = (s0, s1)
  if count == 4 {
    (s2, s3) = (vload(scores + 32), vload(scores + 48))
    if cap > 0 {
      s2 = vmul(vsplat(cap), vtanh(vdiv(s2, vsplat(cap))))
      s3 = vmul(vsplat(cap), vtanh(vdiv(s3, vsplat(cap))))
    }
  }
  let blockMaximum = vmaxLanes(s0, s1, s2, s3)
  let newMaximum = vselect(vgreater(blockMaximum, maximum), blockMaximum, maximum)
  let c = vexp(vsub(maximum, newMaximum))
  maximum = newMaximum
  let p0 = vexp(vsub(s0, vsplat(newMaximum[0])))
  let p1 = vexp(vsub(s1, vsplat(newMaximum[4])))
  vstore(scores, p0)
  vstore(scores + 16, p1)
  var (p2, p3) = (p0, p1)
  if count == 4 {
    p2 = vexp(vsub(s2, vsplat(newMaximum[8])))
    p3 = vexp(vsub(s3, vsplat(newMaximum[12])))
    vstore(scores + 32, p2)
    vstore(scores + 48, p3)
  }
  sum = vadd(vmul(sum, c), vsums(p0, p1, p2, p3))
  return c
}

/// Sixteen lanes of each row times sixteen stored scales.
@inline(__always)
func multiplyRows(_ rows: UnsafeMutablePointer<Float>, _ scales: UnsafeRawPointer, _ count: Int) {
  let factors = vload(scales.assumingMemoryBound(to: Float.self))
  for r in 0..<count { vstore(rows + r * 16, vmul(vload(rows + r * 16), factors)) }
}

/// row *= c.
@inline(__always)
func scaleRow(_ row: UnsafeMutablePointer<Float>, _ c: Float, _ count: Int) {
  let factor = vsplat(c)
  var d = 0
  while d < count {
    vstore(row + d, vmul(vload(row + d), factor))
    d += 16
  }
}

/// acc[row][d] = fma(p[row][j], v[j][d], acc) over all sixteen keys, for two or four rows, 32 columns at a time: eight
/// chains hide the latency of a multiply-add, and a weight is spread over both halves.
@inline(__always)
func accumulateRows(
  _ p: UnsafePointer<Float>, _ count: Int, _ v: UnsafeRawPointer, _ padded: Int, _ size: Int,
  _ acc: UnsafeMutablePointer<Float>
) {
  var d = 0
  while d + 32 <= padded {
    var (a0, b0) = (vload(acc + d), vload(acc + d + 16))
    var (a1, b1) = (vload(acc + padded + d), vload(acc + padded + d + 16))
    var (a2, b2, a3, b3) = (a0, b0, a1, b1)
    if count == 4 {
      (a2, b2) = (vload(acc + 2 * padded + d), vload(acc + 2 * padded + d + 16))
      (a3, b3) = (vload(acc + 3 * padded + d), vload(acc + 3 * padded + d + 16))
    }
    for j in 0..<16 {
      let left = loadStored(v, j &* padded &+ d, size)
      let right = loadStored(v, j &* padded &+ d &+ 16, size)
      var weight = vsplat(p[j])
      (a0, b0) = (vfma(weight, left, a0), vfma(weight, right, b0))
      weight = vsplat(p[16 &+ j])
      (a1, b1) = (vfma(weight, left, a1), vfma(weight, right, b1))
      if count == 4 {
        weight = vsplat(p[32 &+ j])
        (a2, b2) = (vfma(weight, left, a2), vfma(weight, right, b2))
        weight = vsplat(p[48 &+ j])
        (a3, b3) = (vfma(weight, left, a3), vfma(weight, right, b3))
      }
    }
    vstore(acc + d, a0)
    vstore(acc + d + 16, b0)
    vstore(acc + padded + d, a1)
    vstore(acc + padded + d + 16, b1)
    if count == 4 {
      vstore(acc + 2 * padded + d, a2)
      vstore(acc + 2 * padded + d + 16, b2)
      vstore(acc + 3 * padded + d, a3)
      vstore(acc + 3 * padded + d + 16, b3)
    }
    d += 32
  }
  guard d < padded else { return }
  for r in 0..<count {
    var a = vload(acc + r * padded + d)
    for j in 0..<16 { a = vfma(vsplat(p[r * 16 + j]), loadStored(v, j &* padded &+ d, size), a) }
    vstore(acc + r * padded + d, a)
  }
}

/// acc[d] = fma(p[j], v[j][d], acc) over keys low..<high, for one row.
@inline(__always)
func accumulateOne(
  _ p: UnsafePointer<Float>, _ v: UnsafeRawPointer, _ padded: Int, _ low: Int, _ high: Int, _ size: Int,
  _ acc: UnsafeMutablePointer<Float>
) {
  var d = 0
  while d + 32 <= padded {
    var a0 = vload(acc + d)
    var a1 = vload(acc + d + 16)
    for j in low..<high {
      let weight = vsplat(p[j])
      a0 = vfma(weight, loadStored(v, j &* padded &+ d, size), a0)
      a1 = vfma(weight, loadStored(v, j &* padded &+ d &+ 16, size), a1)
    }
    vstore(acc + d, a0)
    vstore(acc + d + 16, a1)
    d += 32
  }
  if d < padded {
    var a = vload(acc + d)
    for j in low..<high { a = vfma(vsplat(p[j]), loadStored(v, j &* padded &+ d, size), a) }
    vstore(acc + d, a)
  }
}
