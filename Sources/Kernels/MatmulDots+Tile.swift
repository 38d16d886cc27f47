#if KERNELS_AVX512
  import CIntrinsics

  /// What a tile fetches into the second-level cache meanwhile: one, two or four lines with each of its first pairs.
  struct Fetch {
    var start: UnsafePointer<UInt32>
    var lines: Int
    var pairs: Int
  }

  /// Four panels, one to six rows: goes on with the sums `[row][panel][16]` over `count` pairs of columns.
  @inline(never)
  func dotTile(
    _ w: UnsafePointer<UInt32>, _ fetch: Fetch, _ count: Int, _ x: UnsafePointer<UInt32>, _ depth: Int,
    _ xRows: UnsafePointer<Int32>?, _ row: Int, _ rows: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    let last = row + rows - 1
    let x0 = batchRow(x, depth, xRows, row)
    let x1 = batchRow(x, depth, xRows, min(row + 1, last))
    let x2 = batchRow(x, depth, xRows, min(row + 2, last))
    let x3 = batchRow(x, depth, xRows, min(row + 3, last))
    let x4 = batchRow(x, depth, xRows, min(row + 4, last))
    let x5 = batchRow(x, depth, xRows, last)
    // Constants, so that each height becomes a loop of its own without what it does not need.
    switch fetch.lines {
    case 1: dotTile(1, rows, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    case 2: dotTile(2, rows, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    default: dotTile(4, rows, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    }
  }

  @inline(__always)
  private func dotTile(
    _ lines: Int, _ rows: Int, _ w: UnsafePointer<UInt32>, _ fetch: Fetch, _ count: Int,
    _ x0: UnsafePointer<UInt32>, _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>,
    _ x3: UnsafePointer<UInt32>, _ x4: UnsafePointer<UInt32>, _ x5: UnsafePointer<UInt32>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    switch rows {
    case 1: dotRows(lines, 1, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    case 2: dotRows(lines, 2, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    case 3: dotRows(lines, 3, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    case 4: dotRows(lines, 4, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    case 5: dotRows(lines, 5, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    default: dotRows(lines, 6, w, fetch, count, x0, x1, x2, x3, x4, x5, sums)
    }
  }

  @inline(__always)
  private func dotRows(
    _ lines: Int, _ rows: Int, _ w: UnsafePointer<UInt32>, _ fetch: Fetch, _ count: Int,
    _ x0: UnsafePointer<UInt32>,
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
    var next = fetch.start
    func addPair(_ pair: Int) {
      let words = (vwords(w), vwords(w + 16), vwords(w + 32), vwords(w + 48))
      a0 = dotFour(a0, words, x0 + pair)
      if rows > 1 { a1 = dotFour(a1, words, x1 + pair) }
      if rows > 2 { a2 = dotFour(a2, words, x2 + pair) }
      if rows > 3 { a3 = dotFour(a3, words, x3 + pair) }
      if rows > 4 { a4 = dotFour(a4, words, x4 + pair) }
      if rows > 5 { a5 = dotFour(a5, words, x5 + pair) }
      w += 64
    }
    for pair in 0..<fetch.pairs {
      for line in 0..<lines { vprefetchFar(next + line &* 16) }
      next += lines &* 16
      addPair(pair)
    }
    for pair in fetch.pairs..<count { addPair(pair) }
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
