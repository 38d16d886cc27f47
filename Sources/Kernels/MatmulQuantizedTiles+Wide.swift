#if KERNELS_AVX512
  import CIntrinsics

  /// The rows of activations of one tile.
  private typealias FourRows = (
    UnsafePointer<UInt32>, UnsafePointer<UInt32>, UnsafePointer<UInt32>, UnsafePointer<UInt32>
  )
  private typealias FourDots = (SIMD16<Int32>, SIMD16<Int32>, SIMD16<Int32>, SIMD16<Int32>)

  /// One panel's integer sums of two to four rows plus two steps; `rows` is a constant.
  @inline(__always)
  private func addSteps(
    _ rows: Int, _ d: FourDots, _ w: UnsafePointer<UInt32>, _ isNibbles: Bool, _ x: FourRows, _ j: Int
  ) -> FourDots {
    let words = weightSteps(w, isNibbles, 64)
    var d = d
    d.0 = dotSteps(d.0, isNibbles, words, inputSteps(x.0, isNibbles, j))
    d.1 = dotSteps(d.1, isNibbles, words, inputSteps(x.1, isNibbles, j))
    if rows > 2 { d.2 = dotSteps(d.2, isNibbles, words, inputSteps(x.2, isNibbles, j)) }
    if rows > 3 { d.3 = dotSteps(d.3, isNibbles, words, inputSteps(x.3, isNibbles, j)) }
    return d
  }

  /// One panel's sums of two to four rows, where they lie, plus a group.
  @inline(__always)
  private func addGroups(
    _ rows: Int, _ sums: UnsafeMutablePointer<Float>, _ dots: FourDots, _ ws: SIMD16<Float>, _ x: FourRows
  ) {
    vstore(sums, addGroup(vload(sums), dots.0, ws, x.0))
    vstore(sums + 64, addGroup(vload(sums + 64), dots.1, ws, x.1))
    if rows > 2 { vstore(sums + 128, addGroup(vload(sums + 128), dots.2, ws, x.2)) }
    if rows > 3 { vstore(sums + 192, addGroup(vload(sums + 192), dots.3, ws, x.3)) }
  }

  /// Four panels of a full block, two to four rows: the block is read as one stream. `rows` is a constant.
  ///
  /// Up to sixteen integer sums fill half of the registers, so the f32 sums stay in the tile `[row][panel][16]`, in the
  /// first-level cache.
  @inline(__always)
  func quantTileWide(
    _ rows: Int, _ block: UnsafePointer<UInt32>, _ isNibbles: Bool, _ groups: Range<Int>,
    _ x0: UnsafePointer<UInt32>, _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>,
    _ x3: UnsafePointer<UInt32>, _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
  ) {
    let step = 64
    let size = groupWords(isNibbles, step)
    let start = groups.lowerBound &* 10
    var w = block + groups.lowerBound &* size
    var x: FourRows = (x0 + start, x1 + start, x2 + start, x3 + start)
    for vector in 0..<4 &* rows { vstore(out + 16 &* vector, vsplat(0)) }
    for _ in groups {
      var d0: FourDots = (
        vsplatBytes(x.0 + 9), vsplatBytes(x.1 + 9), vsplatBytes(x.2 + 9), vsplatBytes(x.3 + 9)
      )
      var (d1, d2, d3) = (d0, d0, d0)
      for j in 0..<4 {
        let first = w + (isNibbles ? j : 2 &* j) &* step
        for line in 0..<(isNibbles ? 4 : 8) {
          vprefetch(UnsafeRawPointer(first) + (prefetchBytes + line &* 64))
        }
        d0 = addSteps(rows, d0, first, isNibbles, x, j)
        d1 = addSteps(rows, d1, first + 16, isNibbles, x, j)
        d2 = addSteps(rows, d2, first + 32, isNibbles, x, j)
        d3 = addSteps(rows, d3, first + 48, isNibbles, x, j)
      }
      let scales = w + (size - 32)
      addGroups(rows, out, d0, weightScales(scales, 0), x)
      addGroups(rows, out + 16, d1, weightScales(scales, 1), x)
      addGroups(rows, out + 32, d2, weightScales(scales, 2), x)
      addGroups(rows, out + 48, d3, weightScales(scales, 3), x)
      w += size
      x = (x.0 + 10, x.1 + 10, x.2 + 10, x.3 + 10)
    }
  }
#endif
