#if KERNELS_AVX512
  import CIntrinsics

  /// Four panels, one to six rows: goes on with the sums `[row][panel][16]` over `count` pairs of columns.
  @inline(never)
  func dotTile(
    _ w: UnsafePointer<UInt32>, _ ahead: Int, _ count: Int, _ x: UnsafePointer<UInt32>, _ depth: Int,
    _ xRows: UnsafePointer<Int32>?, _ row: Int, _ rows: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    let last = row + rows - 1
    let x0 = roundedRow(x, depth, xRows, row)
    let x1 = roundedRow(x, depth, xRows, min(row + 1, last))
    let x2 = roundedRow(x, depth, xRows, min(row + 2, last))
    let x3 = roundedRow(x, depth, xRows, min(row + 3, last))
    let x4 = roundedRow(x, depth, xRows, min(row + 4, last))
    let x5 = roundedRow(x, depth, xRows, last)
    // Constants, so that each height becomes a loop of its own without what it does not need.
    switch rows {
    case 1: dotRows(1, w, ahead, count, x0, x1, x2, x3, x4, x5, sums)
    case 2: dotRows(2, w, ahead, count, x0, x1, x2, x3, x4, x5, sums)
    case 3: dotRows(3, w, ahead, count, x0, x1, x2, x3, x4, x5, sums)
    case 4: dotRows(4, w, ahead, count, x0, x1, x2, x3, x4, x5, sums)
    case 5: dotRows(5, w, ahead, count, x0, x1, x2, x3, x4, x5, sums)
    default: dotRows(6, w, ahead, count, x0, x1, x2, x3, x4, x5, sums)
    }
  }

  @inline(__always)
  private func dotRows(
    _ rows: Int, _ w: UnsafePointer<UInt32>, _ ahead: Int, _ count: Int, _ x0: UnsafePointer<UInt32>,
    _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
    _ x4: UnsafePointer<UInt32>, _ x5: UnsafePointer<UInt32>, _ sums: UnsafeMutablePointer<Float>
  ) {
    var a0 = loadFour(sums)
    var a1 = rows > 1 ? loadFour(sums + 64) : a0
    var a2 = rows > 2 ? loadFour(sums + 128) : a0
    var a3 = rows > 3 ? loadFour(sums + 192) : a0
    var a4 = rows > 4 ? loadFour(sums + 256) : a0
    var a5 = rows > 5 ? loadFour(sums + 320) : a0
    var w = w
    for pair in 0..<count {
      for panel in 0..<4 { vprefetchFar(w + ahead + panel &* 16) }
      let words = (vwords(w), vwords(w + 16), vwords(w + 32), vwords(w + 48))
      a0 = dotFour(a0, words, x0 + pair)
      if rows > 1 { a1 = dotFour(a1, words, x1 + pair) }
      if rows > 2 { a2 = dotFour(a2, words, x2 + pair) }
      if rows > 3 { a3 = dotFour(a3, words, x3 + pair) }
      if rows > 4 { a4 = dotFour(a4, words, x4 + pair) }
      if rows > 5 { a5 = dotFour(a5, words, x5 + pair) }
      w += 64
    }
    storeFour(sums, a0)
    if rows > 1 { storeFour(sums + 64, a1) }
    if rows > 2 { storeFour(sums + 128, a2) }
    if rows > 3 { storeFour(sums + 192, a3) }
    if rows > 4 { storeFour(sums + 256, a4) }
    if rows > 5 { storeFour(sums + 320, a5) }
  }

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
#endif
