import CIntrinsics

// Tiles of `tileF32` with several rows: loaded weights are used for each of them.

/// Two panels, two rows.
@inline(__always)
func tileF32_2x2(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0)
  var a10 = vsplat(0), a11 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    vprefetch(w + ahead + 16)
    let w0 = vload(w)
    let w1 = vload(w + 16)
    let b0 = vsplat(x0[k])
    let b1 = vsplat(x1[k])
    a00 = vfma(w0, b0, a00)
    a01 = vfma(w0, b1, a01)
    a10 = vfma(w1, b0, a10)
    a11 = vfma(w1, b1, a11)
    w += stride
  }
  vstore(out, a00)
  vstore(out + 16, a10)
  vstore(out + 32, a01)
  vstore(out + 48, a11)
}

/// One panel, two rows.
@inline(__always)
func tileF32_1x2(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    let w0 = vload(w)
    a00 = vfma(w0, vsplat(x0[k]), a00)
    a01 = vfma(w0, vsplat(x1[k]), a01)
    w += stride
  }
  vstore(out, a00)
  vstore(out + 16, a01)
}

/// Two panels, three rows.
@inline(__always)
func tileF32_2x3(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0)
  var a10 = vsplat(0), a11 = vsplat(0), a12 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    vprefetch(w + ahead + 16)
    let w0 = vload(w)
    let w1 = vload(w + 16)
    let b0 = vsplat(x0[k])
    let b1 = vsplat(x1[k])
    let b2 = vsplat(x2[k])
    a00 = vfma(w0, b0, a00)
    a01 = vfma(w0, b1, a01)
    a02 = vfma(w0, b2, a02)
    a10 = vfma(w1, b0, a10)
    a11 = vfma(w1, b1, a11)
    a12 = vfma(w1, b2, a12)
    w += stride
  }
  vstore(out, a00)
  vstore(out + 16, a10)
  vstore(out + 32, a01)
  vstore(out + 48, a11)
  vstore(out + 64, a02)
  vstore(out + 80, a12)
}

/// One panel, three rows.
@inline(__always)
func tileF32_1x3(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    let w0 = vload(w)
    a00 = vfma(w0, vsplat(x0[k]), a00)
    a01 = vfma(w0, vsplat(x1[k]), a01)
    a02 = vfma(w0, vsplat(x2[k]), a02)
    w += stride
  }
  vstore(out, a00)
  vstore(out + 16, a01)
  vstore(out + 32, a02)
}

/// One panel, four rows.
@inline(__always)
func tileF32_1x4(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
  _ x3: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0), a03 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    let w0 = vload(w)
    a00 = vfma(w0, vsplat(x0[k]), a00)
    a01 = vfma(w0, vsplat(x1[k]), a01)
    a02 = vfma(w0, vsplat(x2[k]), a02)
    a03 = vfma(w0, vsplat(x3[k]), a03)
    w += stride
  }
  vstore(out, a00)
  vstore(out + 16, a01)
  vstore(out + 32, a02)
  vstore(out + 48, a03)
}

/// One panel, six rows.
@inline(__always)
func tileF32_1x6(
  _ w: UnsafePointer<Float>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
  _ x3: UnsafePointer<Float>, _ x4: UnsafePointer<Float>, _ x5: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0), a03 = vsplat(0), a04 = vsplat(0), a05 = vsplat(0)
  for k in 0..<width {
    vprefetch(w + ahead)
    let w0 = vload(w)
    a00 = vfma(w0, vsplat(x0[k]), a00)
    a01 = vfma(w0, vsplat(x1[k]), a01)
    a02 = vfma(w0, vsplat(x2[k]), a02)
    a03 = vfma(w0, vsplat(x3[k]), a03)
    a04 = vfma(w0, vsplat(x4[k]), a04)
    a05 = vfma(w0, vsplat(x5[k]), a05)
    w += stride
  }
  vstore(out, a00)
  vstore(out + 16, a01)
  vstore(out + 32, a02)
  vstore(out + 48, a03)
  vstore(out + 64, a04)
  vstore(out + 80, a05)
}
