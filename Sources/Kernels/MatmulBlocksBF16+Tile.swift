#if KERNELS_AVX512
  import CIntrinsics

  /// Four vectors, here those of four panels.
  typealias FourLanes = (SIMD16<Float>, SIMD16<Float>, SIMD16<Float>, SIMD16<Float>)

  @inline(__always)
  func loadFour(_ p: UnsafePointer<Float>) -> FourLanes {
    (vload(p), vload(p + 16), vload(p + 32), vload(p + 48))
  }

  @inline(__always)
  func storeFour(_ p: UnsafeMutablePointer<Float>, _ v: FourLanes) {
    vstore(p, v.0)
    vstore(p + 16, v.1)
    vstore(p + 32, v.2)
    vstore(p + 48, v.3)
  }

  /// sums + weights * x, one fused multiply-add per lane.
  @inline(__always)
  private func addFour(_ sums: FourLanes, _ weights: FourLanes, _ x: Float) -> FourLanes {
    let b = vsplat(x)
    return (
      vfma(weights.0, b, sums.0), vfma(weights.1, b, sums.1), vfma(weights.2, b, sums.2),
      vfma(weights.3, b, sums.3)
    )
  }

  /// Four panels, four rows of bf16 weights: goes on with the sums `[row][panel][16]` over `width` columns.
  @inline(never)
  func accumulateBF16_4x4(
    _ w: UnsafePointer<UInt32>, _ ahead: Int, _ width: Int, _ x0: UnsafePointer<Float>,
    _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>, _ x3: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    var w = w
    var (a0, a1, a2, a3) = (loadFour(sums), loadFour(sums + 64), loadFour(sums + 128), loadFour(sums + 192))
    for pair in 0..<width >> 1 {
      let k = pair &* 2
      for panel in 0..<4 { vprefetchFar(w + ahead + panel &* 16) }
      let (w0, w1, w2, w3) = (vwords(w), vwords(w + 16), vwords(w + 32), vwords(w + 48))
      let even = (veven(w0), veven(w1), veven(w2), veven(w3))
      a0 = addFour(a0, even, x0[k])
      a1 = addFour(a1, even, x1[k])
      a2 = addFour(a2, even, x2[k])
      a3 = addFour(a3, even, x3[k])
      let odd = (vodd(w0), vodd(w1), vodd(w2), vodd(w3))
      a0 = addFour(a0, odd, x0[k &+ 1])
      a1 = addFour(a1, odd, x1[k &+ 1])
      a2 = addFour(a2, odd, x2[k &+ 1])
      a3 = addFour(a3, odd, x3[k &+ 1])
      w += 64
    }
    if width & 1 == 1 {
      let k = width &- 1
      let even = (veven(vwords(w)), veven(vwords(w + 16)), veven(vwords(w + 32)), veven(vwords(w + 48)))
      a0 = addFour(a0, even, x0[k])
      a1 = addFour(a1, even, x1[k])
      a2 = addFour(a2, even, x2[k])
      a3 = addFour(a3, even, x3[k])
    }
    storeFour(sums, a0)
    storeFour(sums + 64, a1)
    storeFour(sums + 128, a2)
    storeFour(sums + 192, a3)
  }
#endif
