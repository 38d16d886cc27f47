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

  /// Four panels, one to four rows of bf16 weights: goes on with the sums `[row][panel][16]` over `width` columns.
  @inline(never)
  func accumulateBF16(
    _ w: UnsafePointer<UInt32>, _ ahead: Int, _ width: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
    _ xRows: UnsafePointer<Int32>?, _ row: Int, _ rows: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    let last = row + rows - 1
    let x0 = batchRow(x, xStride, xRows, row)
    let x1 = batchRow(x, xStride, xRows, min(row + 1, last))
    let x2 = batchRow(x, xStride, xRows, min(row + 2, last))
    let x3 = batchRow(x, xStride, xRows, last)
    // Constants, so that each height becomes a loop of its own without what it does not need.
    switch rows {
    case 1: accumulateRows(1, w, ahead, width, x0, x1, x2, x3, sums)
    case 2: accumulateRows(2, w, ahead, width, x0, x1, x2, x3, sums)
    case 3: accumulateRows(3, w, ahead, width, x0, x1, x2, x3, sums)
    default: accumulateRows(4, w, ahead, width, x0, x1, x2, x3, sums)
    }
  }

  @inline(__always)
  private func accumulateRows(
    _ rows: Int, _ w: UnsafePointer<UInt32>, _ ahead: Int, _ width: Int, _ x0: UnsafePointer<Float>,
    _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>, _ x3: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    var w = w
    var a0 = loadFour(sums)
    var a1 = rows > 1 ? loadFour(sums + 64) : a0
    var a2 = rows > 2 ? loadFour(sums + 128) : a0
    var a3 = rows > 3 ? loadFour(sums + 192) : a0
    for pair in 0..<width >> 1 {
      let k = pair &* 2
      for panel in 0..<4 { vprefetchFar(w + ahead + panel &* 16) }
      let even = (veven(vwords(w)), veven(vwords(w + 16)), veven(vwords(w + 32)), veven(vwords(w + 48)))
      a0 = addFour(a0, even, x0[k])
      if rows > 1 { a1 = addFour(a1, even, x1[k]) }
      if rows > 2 { a2 = addFour(a2, even, x2[k]) }
      if rows > 3 { a3 = addFour(a3, even, x3[k]) }
      let odd = (vodd(vwords(w)), vodd(vwords(w + 16)), vodd(vwords(w + 32)), vodd(vwords(w + 48)))
      a0 = addFour(a0, odd, x0[k &+ 1])
      if rows > 1 { a1 = addFour(a1, odd, x1[k &+ 1]) }
      if rows > 2 { a2 = addFour(a2, odd, x2[k &+ 1]) }
      if rows > 3 { a3 = addFour(a3, odd, x3[k &+ 1]) }
      w += 64
    }
    if width & 1 == 1 {
      let k = width &- 1
      let even = (veven(vwords(w)), veven(vwords(w + 16)), veven(vwords(w + 32)), veven(vwords(w + 48)))
      a0 = addFour(a0, even, x0[k])
      if rows > 1 { a1 = addFour(a1, even, x1[k]) }
      if rows > 2 { a2 = addFour(a2, even, x2[k]) }
      if rows > 3 { a3 = addFour(a3, even, x3[k]) }
    }
    storeFour(sums, a0)
    if rows > 1 { storeFour(sums + 64, a1) }
    if rows > 2 { storeFour(sums + 128, a2) }
    if rows > 3 { storeFour(sums + 192, a3) }
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
#endif
