#if KERNELS_AVX512
  import CIntrinsics

  /// sums + pairs of weights times a pair of activations, four panels.
  @inline(__always)
  private func dotFour(
    _ sums: FourLanes, _ w: (SIMD16<UInt32>, SIMD16<UInt32>, SIMD16<UInt32>, SIMD16<UInt32>),
    _ x: UnsafePointer<UInt32>
  ) -> FourLanes {
    let b = vsplatBytes(x)
    return (
      vdotPairs(sums.0, w.0, b), vdotPairs(sums.1, w.1, b), vdotPairs(sums.2, w.2, b),
      vdotPairs(sums.3, w.3, b)
    )
  }

  @inline(__always)
  private func loadFour(_ p: UnsafePointer<Float>) -> FourLanes {
    (vload(p), vload(p + 16), vload(p + 32), vload(p + 48))
  }

  @inline(__always)
  private func storeFour(_ p: UnsafeMutablePointer<Float>, _ v: FourLanes) {
    vstore(p, v.0)
    vstore(p + 16, v.1)
    vstore(p + 32, v.2)
    vstore(p + 48, v.3)
  }

  /// Four panels, six rows: 24 sums go on over `count` pairs of columns; rows that are given twice get the same.
  @inline(never)
  func dotTile4x6(
    _ w: UnsafePointer<UInt32>, _ count: Int, _ ahead: Int, _ x0: UnsafePointer<UInt32>,
    _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
    _ x4: UnsafePointer<UInt32>, _ x5: UnsafePointer<UInt32>, _ y0: UnsafeMutablePointer<Float>,
    _ y1: UnsafeMutablePointer<Float>, _ y2: UnsafeMutablePointer<Float>, _ y3: UnsafeMutablePointer<Float>,
    _ y4: UnsafeMutablePointer<Float>, _ y5: UnsafeMutablePointer<Float>
  ) {
    var (a0, a1, a2) = (loadFour(y0), loadFour(y1), loadFour(y2))
    var (a3, a4, a5) = (loadFour(y3), loadFour(y4), loadFour(y5))
    var w = w
    for pair in 0..<count {
      for panel in 0..<4 { vprefetchFar(w + ahead + panel &* 16) }
      let words = (vwords(w), vwords(w + 16), vwords(w + 32), vwords(w + 48))
      a0 = dotFour(a0, words, x0 + pair)
      a1 = dotFour(a1, words, x1 + pair)
      a2 = dotFour(a2, words, x2 + pair)
      a3 = dotFour(a3, words, x3 + pair)
      a4 = dotFour(a4, words, x4 + pair)
      a5 = dotFour(a5, words, x5 + pair)
      w += 64
    }
    storeFour(y0, a0)
    storeFour(y1, a1)
    storeFour(y2, a2)
    storeFour(y3, a3)
    storeFour(y4, a4)
    storeFour(y5, a5)
  }
#endif
