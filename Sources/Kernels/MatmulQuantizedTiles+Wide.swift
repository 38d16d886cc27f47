#if KERNELS_AVX512
  import CIntrinsics

  /// The rows of activations of one tile.
  private typealias FourRows = (
    UnsafePointer<UInt32>, UnsafePointer<UInt32>, UnsafePointer<UInt32>, UnsafePointer<UInt32>
  )
  private typealias FourDots = (SIMD16<Int32>, SIMD16<Int32>, SIMD16<Int32>, SIMD16<Int32>)

  /// One group's integer sums of two panels from `w` on, for each of four rows.
  @inline(__always)
  private func dotTwoPanels(
    _ w: UnsafePointer<UInt32>, _ isNibbles: Bool, _ x: FourRows, _ prefetchBytes: Int
  ) -> (FourDots, FourDots) {
    let step = 64
    var d: FourDots = (
      vsplatBytes(x.0 + 9), vsplatBytes(x.1 + 9), vsplatBytes(x.2 + 9), vsplatBytes(x.3 + 9)
    )
    var e = d
    for j in 0..<4 {
      let first = w + (isNibbles ? j : 2 &* j) &* step
      vprefetch(UnsafeRawPointer(first) + prefetchBytes)
      vprefetch(UnsafeRawPointer(first + 16) + prefetchBytes)
      if !isNibbles {
        vprefetch(UnsafeRawPointer(first + step) + prefetchBytes)
        vprefetch(UnsafeRawPointer(first + step + 16) + prefetchBytes)
      }
      let w0 = weightSteps(first, isNibbles, step)
      let w1 = weightSteps(first + 16, isNibbles, step)
      var k = inputSteps(x.0, isNibbles, j)
      d.0 = dotSteps(d.0, isNibbles, w0, k)
      e.0 = dotSteps(e.0, isNibbles, w1, k)
      k = inputSteps(x.1, isNibbles, j)
      d.1 = dotSteps(d.1, isNibbles, w0, k)
      e.1 = dotSteps(e.1, isNibbles, w1, k)
      k = inputSteps(x.2, isNibbles, j)
      d.2 = dotSteps(d.2, isNibbles, w0, k)
      e.2 = dotSteps(e.2, isNibbles, w1, k)
      k = inputSteps(x.3, isNibbles, j)
      d.3 = dotSteps(d.3, isNibbles, w0, k)
      e.3 = dotSteps(e.3, isNibbles, w1, k)
    }
    return (d, e)
  }

  /// One panel's sums of four rows, where they lie, plus a group.
  @inline(__always)
  private func addGroups(
    _ sums: UnsafeMutablePointer<Float>, _ dots: FourDots, _ ws: SIMD16<Float>, _ x: FourRows
  ) {
    vstore(sums, addGroup(vload(sums), dots.0, ws, x.0))
    vstore(sums + 64, addGroup(vload(sums + 64), dots.1, ws, x.1))
    vstore(sums + 128, addGroup(vload(sums + 128), dots.2, ws, x.2))
    vstore(sums + 192, addGroup(vload(sums + 192), dots.3, ws, x.3))
  }

  /// Four panels of a full block, four rows: the block is read as one stream, two panels after each other share
  /// eight integer sums.
  ///
  /// The sixteen f32 sums stay in the tile `[row][panel][16]`, in the first-level cache: in registers they leave none
  /// for the nibbles, and what the compiler spilled instead took half of the time.
  @inline(__always)
  func quantTile4x4(
    _ block: UnsafePointer<UInt32>, _ isNibbles: Bool, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
    _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
    _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
  ) {
    let size = groupWords(isNibbles, 64)
    let start = groups.lowerBound &* 10
    var w = block + groups.lowerBound &* size
    var x: FourRows = (x0 + start, x1 + start, x2 + start, x3 + start)
    for vector in 0..<16 { vstore(out + 16 &* vector, vsplat(0)) }
    for _ in groups {
      let scales = w + (size - 32)
      let front = dotTwoPanels(w, isNibbles, x, prefetchBytes)
      addGroups(out, front.0, weightScales(scales, 0), x)
      addGroups(out + 16, front.1, weightScales(scales, 1), x)
      let back = dotTwoPanels(w + 32, isNibbles, x, prefetchBytes)
      addGroups(out + 32, back.0, weightScales(scales, 2), x)
      addGroups(out + 48, back.1, weightScales(scales, 3), x)
      w += size
      x = (x.0 + 10, x.1 + 10, x.2 + 10, x.3 + 10)
    }
  }
#endif
