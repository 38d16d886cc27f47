#if KERNELS_AVX512
  import CIntrinsics

  /// Four panels of a full block, four rows: two panels after each other share eight integer sums, so that
  /// all sums fit 32 registers and the block is read as one stream.
  @inline(__always)
  func quantTile4x4(
    _ block: UnsafePointer<UInt32>, _ isNibbles: Bool, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
    _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
    _ prefetchBytes: Int,
    _ out: UnsafeMutablePointer<Float>
  ) {
    let step = 64
    let size = groupWords(isNibbles, step)
    var w = block + groups.lowerBound &* size
    var x0 = x0 + groups.lowerBound &* 10, x1 = x1 + groups.lowerBound &* 10,
      x2 = x2 + groups.lowerBound &* 10, x3 = x3 + groups.lowerBound &* 10
    var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0), a03 = vsplat(0)
    var a10 = vsplat(0), a11 = vsplat(0), a12 = vsplat(0), a13 = vsplat(0)
    var a20 = vsplat(0), a21 = vsplat(0), a22 = vsplat(0), a23 = vsplat(0)
    var a30 = vsplat(0), a31 = vsplat(0), a32 = vsplat(0), a33 = vsplat(0)
    for _ in groups {
      let scales = w + (size - 32)
      do {
        var d00 = vsplatBytes(x0 + 9), d01 = vsplatBytes(x1 + 9), d02 = vsplatBytes(x2 + 9),
          d03 = vsplatBytes(x3 + 9)
        var d10 = d00, d11 = d01, d12 = d02, d13 = d03
        for j in 0..<4 {
          let first = w + ((isNibbles ? j : 2 &* j) &* step)
          vprefetch(UnsafeRawPointer(first) + prefetchBytes)
          vprefetch(UnsafeRawPointer(first + 16) + prefetchBytes)
          if !isNibbles {
            vprefetch(UnsafeRawPointer(first + step) + prefetchBytes)
            vprefetch(UnsafeRawPointer(first + step + 16) + prefetchBytes)
          }
          let w0 = weightSteps(first, isNibbles, step)
          let w1 = weightSteps(first + 16, isNibbles, step)
          let k0 = inputSteps(x0, isNibbles, j)
          d00 = dotSteps(d00, isNibbles, w0, k0)
          d10 = dotSteps(d10, isNibbles, w1, k0)
          let k1 = inputSteps(x1, isNibbles, j)
          d01 = dotSteps(d01, isNibbles, w0, k1)
          d11 = dotSteps(d11, isNibbles, w1, k1)
          let k2 = inputSteps(x2, isNibbles, j)
          d02 = dotSteps(d02, isNibbles, w0, k2)
          d12 = dotSteps(d12, isNibbles, w1, k2)
          let k3 = inputSteps(x3, isNibbles, j)
          d03 = dotSteps(d03, isNibbles, w0, k3)
          d13 = dotSteps(d13, isNibbles, w1, k3)
        }
        let s0 = weightScales(scales, 0)
        let s1 = weightScales(scales, 1)
        a00 = addGroup(a00, d00, s0, x0)
        a10 = addGroup(a10, d10, s1, x0)
        a01 = addGroup(a01, d01, s0, x1)
        a11 = addGroup(a11, d11, s1, x1)
        a02 = addGroup(a02, d02, s0, x2)
        a12 = addGroup(a12, d12, s1, x2)
        a03 = addGroup(a03, d03, s0, x3)
        a13 = addGroup(a13, d13, s1, x3)
      }
      do {
        var d00 = vsplatBytes(x0 + 9), d01 = vsplatBytes(x1 + 9), d02 = vsplatBytes(x2 + 9),
          d03 = vsplatBytes(x3 + 9)
        var d10 = d00, d11 = d01, d12 = d02, d13 = d03
        for j in 0..<4 {
          let first = w + ((isNibbles ? j : 2 &* j) &* step &+ 32)
          vprefetch(UnsafeRawPointer(first) + prefetchBytes)
          vprefetch(UnsafeRawPointer(first + 16) + prefetchBytes)
          if !isNibbles {
            vprefetch(UnsafeRawPointer(first + step) + prefetchBytes)
            vprefetch(UnsafeRawPointer(first + step + 16) + prefetchBytes)
          }
          let w0 = weightSteps(first, isNibbles, step)
          let w1 = weightSteps(first + 16, isNibbles, step)
          let k0 = inputSteps(x0, isNibbles, j)
          d00 = dotSteps(d00, isNibbles, w0, k0)
          d10 = dotSteps(d10, isNibbles, w1, k0)
          let k1 = inputSteps(x1, isNibbles, j)
          d01 = dotSteps(d01, isNibbles, w0, k1)
          d11 = dotSteps(d11, isNibbles, w1, k1)
          let k2 = inputSteps(x2, isNibbles, j)
          d02 = dotSteps(d02, isNibbles, w0, k2)
          d12 = dotSteps(d12, isNibbles, w1, k2)
          let k3 = inputSteps(x3, isNibbles, j)
          d03 = dotSteps(d03, isNibbles, w0, k3)
          d13 = dotSteps(d13, isNibbles, w1, k3)
        }
        let s0 = weightScales(scales, 2)
        let s1 = weightScales(scales, 3)
        a20 = addGroup(a20, d00, s0, x0)
        a30 = addGroup(a30, d10, s1, x0)
        a21 = addGroup(a21, d01, s0, x1)
        a31 = addGroup(a31, d11, s1, x1)
        a22 = addGroup(a22, d02, s0, x2)
        a32 = addGroup(a32, d12, s1, x2)
        a23 = addGroup(a23, d03, s0, x3)
        a33 = addGroup(a33, d13, s1, x3)
      }
      w += size
      x0 += 10
      x1 += 10
      x2 += 10
      x3 += 10
    }
    vstore(out, a00)
    vstore(out + 16, a10)
    vstore(out + 32, a20)
    vstore(out + 48, a30)
    vstore(out + 64, a01)
    vstore(out + 80, a11)
    vstore(out + 96, a21)
    vstore(out + 112, a31)
    vstore(out + 128, a02)
    vstore(out + 144, a12)
    vstore(out + 160, a22)
    vstore(out + 176, a32)
    vstore(out + 192, a03)
    vstore(out + 208, a13)
    vstore(out + 224, a23)
    vstore(out + 240, a33)
  }
#endif
