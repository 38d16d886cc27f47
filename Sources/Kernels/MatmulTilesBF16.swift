import CIntrinsics

/// One tile of partial sums over `width` columns of bf16 weights.
///
/// `w` points at the first word of the tile, `stride` is the distance between k steps in elements; `x`
/// points at the first column. Result: `out[row][panel][16]`. Five rows are computed as six, the sixth being
/// the fifth again.
@inline(__always)
func tileBF16(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ panels: Int, _ width: Int,
  _ x: UnsafePointer<Float>, _ xStride: Int, _ xRows: UnsafePointer<Int32>?, _ row: Int, _ rows: Int,
  _ out: UnsafeMutablePointer<Float>
) {
  let x0 = batchRow(x, xStride, xRows, row)
  if rows == 1 {
    switch panels {
    case 4: tileBF16_4x1(w, stride, ahead, width, x0, out)
    case 2: tileBF16_2x1(w, stride, ahead, width, x0, out)
    default: tileBF16_1x1(w, stride, ahead, width, x0, out)
    }
    return
  }
  let x1 = batchRow(x, xStride, xRows, row + 1)
  if rows == 2 {
    panels == 2
      ? tileBF16_2x2(w, stride, ahead, width, x0, x1, out)
      : tileBF16_1x2(w, stride, ahead, width, x0, x1, out)
    return
  }
  let x2 = batchRow(x, xStride, xRows, row + 2)
  if rows == 3 {
    panels == 2
      ? tileBF16_2x3(w, stride, ahead, width, x0, x1, x2, out)
      : tileBF16_1x3(w, stride, ahead, width, x0, x1, x2, out)
    return
  }
  let x3 = batchRow(x, xStride, xRows, row + 3)
  if rows == 4 {
    tileBF16_1x4(w, stride, ahead, width, x0, x1, x2, x3, out)
    return
  }
  let x4 = batchRow(x, xStride, xRows, row + 4)
  let x5 = rows == 5 ? x4 : batchRow(x, xStride, xRows, row + 5)
  tileBF16_1x6(w, stride, ahead, width, x0, x1, x2, x3, x4, x5, out)
}

/// Four panels, one row.
@inline(__always)
func tileBF16_4x1(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0)
  var a10 = vsplat(0)
  var a20 = vsplat(0)
  var a30 = vsplat(0)
  for pair in 0..<width >> 1 {
    let k = pair &* 2
    vprefetch(w + ahead)
    vprefetch(w + ahead + 16)
    vprefetch(w + ahead + 32)
    vprefetch(w + ahead + 48)
    let w0 = vwords(w)
    let w1 = vwords(w + 16)
    let w2 = vwords(w + 32)
    let w3 = vwords(w + 48)
    do {
      let e0 = veven(w0)
      let e1 = veven(w1)
      let e2 = veven(w2)
      let e3 = veven(w3)
      let b0 = vsplat(x0[k])
      a00 = vfma(e0, b0, a00)
      a10 = vfma(e1, b0, a10)
      a20 = vfma(e2, b0, a20)
      a30 = vfma(e3, b0, a30)
    }
    let o0 = vodd(w0)
    let o1 = vodd(w1)
    let o2 = vodd(w2)
    let o3 = vodd(w3)
    let b0 = vsplat(x0[k &+ 1])
    a00 = vfma(o0, b0, a00)
    a10 = vfma(o1, b0, a10)
    a20 = vfma(o2, b0, a20)
    a30 = vfma(o3, b0, a30)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    let e1 = veven(vwords(w + 16))
    let e2 = veven(vwords(w + 32))
    let e3 = veven(vwords(w + 48))
    let b0 = vsplat(x0[k])
    a00 = vfma(e0, b0, a00)
    a10 = vfma(e1, b0, a10)
    a20 = vfma(e2, b0, a20)
    a30 = vfma(e3, b0, a30)
  }
  vstore(out, a00)
  vstore(out + 16, a10)
  vstore(out + 32, a20)
  vstore(out + 48, a30)
}

/// Two panels, one row.
@inline(__always)
func tileBF16_2x1(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0)
  var a10 = vsplat(0)
  for pair in 0..<width >> 1 {
    let k = pair &* 2
    vprefetch(w + ahead)
    vprefetch(w + ahead + 16)
    let w0 = vwords(w)
    let w1 = vwords(w + 16)
    do {
      let e0 = veven(w0)
      let e1 = veven(w1)
      let b0 = vsplat(x0[k])
      a00 = vfma(e0, b0, a00)
      a10 = vfma(e1, b0, a10)
    }
    let o0 = vodd(w0)
    let o1 = vodd(w1)
    let b0 = vsplat(x0[k &+ 1])
    a00 = vfma(o0, b0, a00)
    a10 = vfma(o1, b0, a10)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    let e1 = veven(vwords(w + 16))
    let b0 = vsplat(x0[k])
    a00 = vfma(e0, b0, a00)
    a10 = vfma(e1, b0, a10)
  }
  vstore(out, a00)
  vstore(out + 16, a10)
}

/// One panel, one row.
@inline(__always)
func tileBF16_1x1(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0)
  for pair in 0..<width >> 1 {
    let k = pair &* 2
    vprefetch(w + ahead)
    let w0 = vwords(w)
    do {
      let e0 = veven(w0)
      a00 = vfma(e0, vsplat(x0[k]), a00)
    }
    let o0 = vodd(w0)
    a00 = vfma(o0, vsplat(x0[k &+ 1]), a00)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    a00 = vfma(e0, vsplat(x0[k]), a00)
  }
  vstore(out, a00)
}
