// The tiles of `matmulQuantized` as functions of their own, one for each form and format: inlined into one
// body, their sums would not fit the registers.

@inline(never)
func byteTile4x1(
  _ w: UnsafePointer<UInt32>, _ groups: Range<Int>, _ x: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile4x1(w, false, groups, x, prefetchBytes, out) }

@inline(never)
func byteTile2x1(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile2x1(w, false, panel, stride, groups, x0, prefetchBytes, out) }

@inline(never)
func byteTile1x1(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile1x1(w, false, panel, stride, groups, x0, prefetchBytes, out) }

@inline(never)
func byteTile1x4(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile1x4(w, false, panel, stride, groups, x0, x1, x2, x3, prefetchBytes, out) }

@inline(never)
func byteTile2x4(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile2x4(w, false, panel, stride, groups, x0, x1, x2, x3, prefetchBytes, out) }

@inline(never)
func nibbleTile4x1(
  _ w: UnsafePointer<UInt32>, _ groups: Range<Int>, _ x: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile4x1(w, true, groups, x, prefetchBytes, out) }

@inline(never)
func nibbleTile2x1(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile2x1(w, true, panel, stride, groups, x0, prefetchBytes, out) }

@inline(never)
func nibbleTile1x1(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile1x1(w, true, panel, stride, groups, x0, prefetchBytes, out) }

@inline(never)
func nibbleTile1x4(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile1x4(w, true, panel, stride, groups, x0, x1, x2, x3, prefetchBytes, out) }

@inline(never)
func nibbleTile2x4(
  _ w: UnsafePointer<UInt32>, _ panel: Int, _ stride: Int, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
  _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) { quantTile2x4(w, true, panel, stride, groups, x0, x1, x2, x3, prefetchBytes, out) }

#if KERNELS_AVX512
  @inline(never)
  func byteTileWide(
    _ rows: Int, _ w: UnsafePointer<UInt32>, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
    _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
    _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
  ) {
    switch rows {
    case 2: quantTileWide(2, w, false, groups, x0, x1, x2, x3, prefetchBytes, out)
    case 3: quantTileWide(3, w, false, groups, x0, x1, x2, x3, prefetchBytes, out)
    default: quantTileWide(4, w, false, groups, x0, x1, x2, x3, prefetchBytes, out)
    }
  }

  @inline(never)
  func nibbleTileWide(
    _ rows: Int, _ w: UnsafePointer<UInt32>, _ groups: Range<Int>, _ x0: UnsafePointer<UInt32>,
    _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>, _ x3: UnsafePointer<UInt32>,
    _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
  ) {
    switch rows {
    case 2: quantTileWide(2, w, true, groups, x0, x1, x2, x3, prefetchBytes, out)
    case 3: quantTileWide(3, w, true, groups, x0, x1, x2, x3, prefetchBytes, out)
    default: quantTileWide(4, w, true, groups, x0, x1, x2, x3, prefetchBytes, out)
    }
  }
#endif
