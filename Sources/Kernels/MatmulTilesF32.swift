import CIntrinsics

/// One tile of partial sums over `width` columns of f32 weights.
///
/// `w` points at the first word of the tile, `stride` is the distance between k steps in elements; `x`
/// points at the first column. Result: `out[row][panel][16]`. Five rows are computed as six, the sixth being
/// the fifth again.
@inline(__always)
func tileF32(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ panels: Int, _ width: Int,
  _ x: UnsafePointer<Float>, _ xStride: Int, _ xRows: UnsafePointer<Int32>?, _ row: Int, _ rows: Int,
  _ out: UnsafeMutablePointer<Float>
) {
  let x0 = batchRow(x, xStride, xRows, row)
  if rows == 1 {
    switch panels {
    case 4: tileF32_4x1(w, stride, ahead, width, x0, out)
    case 2: tileF32_2x1(w, stride, ahead, width, x0, out)
    default: tileF32_1x1(w, stride, ahead, width, x0, out)
    }
    return
  }
  let x1 = batchRow(x, xStride, xRows, row + 1)
  if rows == 2 {
    panels == 2
      ? tileF32_2x2(w, stride, ahead, width, x0, x1, out) : tileF32_1x2(w, stride, ahead, width, x0, x1, out)
    return
  }
  let x2 = batchRow(x, xStride, xRows, row + 2)
  if rows == 3 {
    panels == 2
      ? tileF32_2x3(w, stride, ahead, width, x0, x1, x2, out)
      : tileF32_1x3(w, stride, ahead, width, x0, x1, x2, out)
    return
  }
  let x3 = batchRow(x, xStride, xRows, row + 3)
  if rows == 4 {
    tileF32_1x4(w, stride, ahead, width, x0, x1, x2, x3, out)
    return
  }
  let x4 = batchRow(x, xStride, xRows, row + 4)
  let x5 = rows == 5 ? x4 : batchRow(x, xStride, xRows, row + 5)
  tileF32_1x6(w, stride, ahead, width, x0, x1, x2, x3, x4, x5, out)
}

/// Four panels, one row.
@inline(__always)
func tileF32_4x1(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0)
  var a10 = vsplat(0)
  var a20 = vsplat(0)
  var a30 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    vprefetch(w + ahead + 16)
    vprefetch(w + ahead + 32)
    vprefetch(w + ahead + 48)
    let w0 = vload(w)
    let w1 = vload(w + 16)
    let w2 = vload(w + 32)
    let w3 = vload(w + 48)
    let b0 = vsplat(x0[k])
    a00 = vfma(w0, b0, a00)
    a10 = vfma(w1, b0, a10)
    a20 = vfma(w2, b0, a20)
    a30 = vfma(w3, b0, a30)
    w += stride
  }
  vstore(out, a00)
  vstore(out + 16, a10)
  vstore(out + 32, a20)
  vstore(out + 48, a30)
}

/// Two panels, one row.
@inline(__always)
func tileF32_2x1(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0)
  var a10 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    vprefetch(w + ahead + 16)
    let w0 = vload(w)
    let w1 = vload(w + 16)
    let b0 = vsplat(x0[k])
    a00 = vfma(w0, b0, a00)
    a10 = vfma(w1, b0, a10)
    w += stride
  }
  vstore(out, a00)
  vstore(out + 16, a10)
}

/// One panel, one row.
@inline(__always)
func tileF32_1x1(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    let w0 = vload(w)
    a00 = vfma(w0, vsplat(x0[k]), a00)
    w += stride
  }
  vstore(out, a00)
}
