import CIntrinsics

// Tiles of `tileBF16` with several rows: widened weights are used for each of them.

/// Two panels, two rows.
@inline(__always)
func tileBF16_2x2(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0)
  var a10 = vsplat(0), a11 = vsplat(0)
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
      let b1 = vsplat(x1[k])
      a00 = vfma(e0, b0, a00)
      a01 = vfma(e0, b1, a01)
      a10 = vfma(e1, b0, a10)
      a11 = vfma(e1, b1, a11)
    }
    let o0 = vodd(w0)
    let o1 = vodd(w1)
    let b0 = vsplat(x0[k &+ 1])
    let b1 = vsplat(x1[k &+ 1])
    a00 = vfma(o0, b0, a00)
    a01 = vfma(o0, b1, a01)
    a10 = vfma(o1, b0, a10)
    a11 = vfma(o1, b1, a11)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    let e1 = veven(vwords(w + 16))
    let b0 = vsplat(x0[k])
    let b1 = vsplat(x1[k])
    a00 = vfma(e0, b0, a00)
    a01 = vfma(e0, b1, a01)
    a10 = vfma(e1, b0, a10)
    a11 = vfma(e1, b1, a11)
  }
  vstore(out, a00)
  vstore(out + 16, a10)
  vstore(out + 32, a01)
  vstore(out + 48, a11)
}

/// One panel, two rows.
@inline(__always)
func tileBF16_1x2(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0)
  for pair in 0..<width >> 1 {
    let k = pair &* 2
    vprefetch(w + ahead)
    let w0 = vwords(w)
    do {
      let e0 = veven(w0)
      a00 = vfma(e0, vsplat(x0[k]), a00)
      a01 = vfma(e0, vsplat(x1[k]), a01)
    }
    let o0 = vodd(w0)
    a00 = vfma(o0, vsplat(x0[k &+ 1]), a00)
    a01 = vfma(o0, vsplat(x1[k &+ 1]), a01)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    a00 = vfma(e0, vsplat(x0[k]), a00)
    a01 = vfma(e0, vsplat(x1[k]), a01)
  }
  vstore(out, a00)
  vstore(out + 16, a01)
}

/// Two panels, three rows.
@inline(__always)
func tileBF16_2x3(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0)
  var a10 = vsplat(0), a11 = vsplat(0), a12 = vsplat(0)
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
      let b1 = vsplat(x1[k])
      let b2 = vsplat(x2[k])
      a00 = vfma(e0, b0, a00)
      a01 = vfma(e0, b1, a01)
      a02 = vfma(e0, b2, a02)
      a10 = vfma(e1, b0, a10)
      a11 = vfma(e1, b1, a11)
      a12 = vfma(e1, b2, a12)
    }
    let o0 = vodd(w0)
    let o1 = vodd(w1)
    let b0 = vsplat(x0[k &+ 1])
    let b1 = vsplat(x1[k &+ 1])
    let b2 = vsplat(x2[k &+ 1])
    a00 = vfma(o0, b0, a00)
    a01 = vfma(o0, b1, a01)
    a02 = vfma(o0, b2, a02)
    a10 = vfma(o1, b0, a10)
    a11 = vfma(o1, b1, a11)
    a12 = vfma(o1, b2, a12)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    let e1 = veven(vwords(w + 16))
    let b0 = vsplat(x0[k])
    let b1 = vsplat(x1[k])
    let b2 = vsplat(x2[k])
    a00 = vfma(e0, b0, a00)
    a01 = vfma(e0, b1, a01)
    a02 = vfma(e0, b2, a02)
    a10 = vfma(e1, b0, a10)
    a11 = vfma(e1, b1, a11)
    a12 = vfma(e1, b2, a12)
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
func tileBF16_1x3(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0)
  for pair in 0..<width >> 1 {
    let k = pair &* 2
    vprefetch(w + ahead)
    let w0 = vwords(w)
    do {
      let e0 = veven(w0)
      a00 = vfma(e0, vsplat(x0[k]), a00)
      a01 = vfma(e0, vsplat(x1[k]), a01)
      a02 = vfma(e0, vsplat(x2[k]), a02)
    }
    let o0 = vodd(w0)
    a00 = vfma(o0, vsplat(x0[k &+ 1]), a00)
    a01 = vfma(o0, vsplat(x1[k &+ 1]), a01)
    a02 = vfma(o0, vsplat(x2[k &+ 1]), a02)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    a00 = vfma(e0, vsplat(x0[k]), a00)
    a01 = vfma(e0, vsplat(x1[k]), a01)
    a02 = vfma(e0, vsplat(x2[k]), a02)
  }
  vstore(out, a00)
  vstore(out + 16, a01)
  vstore(out + 32, a02)
}

/// One panel, four rows.
@inline(__always)
func tileBF16_1x4(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
  _ x3: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0), a03 = vsplat(0)
  for pair in 0..<width >> 1 {
    let k = pair &* 2
    vprefetch(w + ahead)
    let w0 = vwords(w)
    do {
      let e0 = veven(w0)
      a00 = vfma(e0, vsplat(x0[k]), a00)
      a01 = vfma(e0, vsplat(x1[k]), a01)
      a02 = vfma(e0, vsplat(x2[k]), a02)
      a03 = vfma(e0, vsplat(x3[k]), a03)
    }
    let o0 = vodd(w0)
    a00 = vfma(o0, vsplat(x0[k &+ 1]), a00)
    a01 = vfma(o0, vsplat(x1[k &+ 1]), a01)
    a02 = vfma(o0, vsplat(x2[k &+ 1]), a02)
    a03 = vfma(o0, vsplat(x3[k &+ 1]), a03)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    a00 = vfma(e0, vsplat(x0[k]), a00)
    a01 = vfma(e0, vsplat(x1[k]), a01)
    a02 = vfma(e0, vsplat(x2[k]), a02)
    a03 = vfma(e0, vsplat(x3[k]), a03)
  }
  vstore(out, a00)
  vstore(out + 16, a01)
  vstore(out + 32, a02)
  vstore(out + 48, a03)
}

/// One panel, six rows.
@inline(__always)
func tileBF16_1x6(
  _ w: UnsafePointer<UInt32>, _ stride: Int, _ ahead: Int, _ width: Int,
  _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
  _ x3: UnsafePointer<Float>, _ x4: UnsafePointer<Float>, _ x5: UnsafePointer<Float>,
  _ out: UnsafeMutablePointer<Float>
) {
  var w = w
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0), a03 = vsplat(0), a04 = vsplat(0), a05 = vsplat(0)
  for pair in 0..<width >> 1 {
    let k = pair &* 2
    vprefetch(w + ahead)
    let w0 = vwords(w)
    do {
      let e0 = veven(w0)
      a00 = vfma(e0, vsplat(x0[k]), a00)
      a01 = vfma(e0, vsplat(x1[k]), a01)
      a02 = vfma(e0, vsplat(x2[k]), a02)
      a03 = vfma(e0, vsplat(x3[k]), a03)
      a04 = vfma(e0, vsplat(x4[k]), a04)
      a05 = vfma(e0, vsplat(x5[k]), a05)
    }
    let o0 = vodd(w0)
    a00 = vfma(o0, vsplat(x0[k &+ 1]), a00)
    a01 = vfma(o0, vsplat(x1[k &+ 1]), a01)
    a02 = vfma(o0, vsplat(x2[k &+ 1]), a02)
    a03 = vfma(o0, vsplat(x3[k &+ 1]), a03)
    a04 = vfma(o0, vsplat(x4[k &+ 1]), a04)
    a05 = vfma(o0, vsplat(x5[k &+ 1]), a05)
    w += stride
  }
  if width & 1 == 1 {
    let k = width &- 1
    let e0 = veven(vwords(w))
    a00 = vfma(e0, vsplat(x0[k]), a00)
    a01 = vfma(e0, vsplat(x1[k]), a01)
    a02 = vfma(e0, vsplat(x2[k]), a02)
    a03 = vfma(e0, vsplat(x3[k]), a03)
    a04 = vfma(e0, vsplat(x4[k]), a04)
    a05 = vfma(e0, vsplat(x5[k]), a05)
  }
  vstore(out, a00)
  vstore(out + 16, a01)
  vstore(out + 32, a02)
  vstore(out + 48, a03)
  vstore(out + 64, a04)
  vstore(out + 80, a05)
}
