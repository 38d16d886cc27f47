import CIntrinsics

// Tiles of `matmulQuantized`: one leaf's chains for some panels and rows. `stride` is the distance of the k steps of a
// block in words, `w` the tile's first word in group 0; a group's scales lie behind the words of all its panels.

/// Distance in bytes between a load and its prefetch: what hides the latency of memory.
private let prefetchBytes = 4096

/// Weights of k steps j and j + 4 of a group: stored apart as bytes, together as low and high nibbles.
@inline(__always)
private func weightSteps(_ w: UnsafePointer<UInt32>, _ isNibbles: Bool, _ stride: Int, _ j: Int)
  -> (SIMD16<UInt32>, SIMD16<UInt32>)
{
  if isNibbles {
    let words = vwords(w + j &* stride)
    return (vlowNibbles(words), vhighNibbles(words))
  }
  return (vwords(w + j &* stride), vwords(w + (j &+ 4) &* stride))
}

@inline(__always)
private func dot(_ acc: SIMD16<Int32>, _ isNibbles: Bool, _ w: SIMD16<UInt32>, _ x: SIMD16<Int32>)
  -> SIMD16<Int32>
{
  isNibbles ? vdotNibbles(acc, w, x) : vdotBytes(acc, w, x)
}

/// acc + f32(dot) * (ws xs).
@inline(__always)
private func addGroup(
  _ acc: SIMD16<Float>, _ dot: SIMD16<Int32>, _ ws: SIMD16<Float>, _ xs: SIMD16<Float>
) -> SIMD16<Float> {
  vfma(vfromInt(dot), vmul(ws, xs), acc)
}

/// Words of one group of a block.
@inline(__always)
private func groupWords(_ isNibbles: Bool, _ stride: Int) -> Int {
  (isNibbles ? 4 : 8) &* stride &+ stride / 2
}

/// Scales of panel `p` of the tile, given the group's first word of the tile's panel `panel` of the block.
@inline(__always)
private func weightScales(
  _ w: UnsafePointer<UInt32>, _ isNibbles: Bool, _ stride: Int, _ panel: Int, _ p: Int
) -> SIMD16<Float> {
  let words = w + (isNibbles ? 4 : 8) &* stride - panel &* 16 + (panel &+ p) &* 8
  return vloadF16(UnsafeRawPointer(words).assumingMemoryBound(to: UInt16.self))
}

@inline(__always)
private func start(_ x: UnsafePointer<UInt32>, _ groupCount: Int, _ group: Int) -> SIMD16<Int32> {
  vsplatBytes(x + groupCount &* 9 + group)
}

@inline(__always)
private func inputScale(_ x: UnsafePointer<UInt32>, _ groupCount: Int, _ group: Int) -> SIMD16<Float> {
  vsplat(Float(bitPattern: x[groupCount &* 8 &+ group]))
}

/// Four panels, one row.
@inline(__always)
func quantTile4x1(
  _ block: UnsafePointer<UInt32>, _ isNibbles: Bool, _ stride: Int, _ groups: Range<Int>,
  _ x: UnsafePointer<UInt32>, _ groupCount: Int, _ out: UnsafeMutablePointer<Float>
) {
  // A full block: 64 words a step, a constant stride.
  let step = 64
  let size = groupWords(isNibbles, step)
  let lines = isNibbles ? 18 : 34
  var w = block + groups.lowerBound &* size
  var a0 = vsplat(0)
  var a1 = vsplat(0)
  var a2 = vsplat(0)
  var a3 = vsplat(0)
  for group in groups {
    for line in 0..<lines { vprefetch(UnsafeRawPointer(w) + (prefetchBytes + line &* 64)) }
    var d0 = start(x, groupCount, group)
    var d1 = d0
    var d2 = d0
    var d3 = d0
    for j in 0..<4 {
      let xl = vsplatBytes(x + (group &* 8 &+ j))
      let xh = vsplatBytes(x + (group &* 8 &+ j &+ 4))
      let w0 = weightSteps(w, isNibbles, step, j)
      let w1 = weightSteps(w + 16, isNibbles, step, j)
      let w2 = weightSteps(w + 32, isNibbles, step, j)
      let w3 = weightSteps(w + 48, isNibbles, step, j)
      d0 = dot(dot(d0, isNibbles, w0.0, xl), isNibbles, w0.1, xh)
      d1 = dot(dot(d1, isNibbles, w1.0, xl), isNibbles, w1.1, xh)
      d2 = dot(dot(d2, isNibbles, w2.0, xl), isNibbles, w2.1, xh)
      d3 = dot(dot(d3, isNibbles, w3.0, xl), isNibbles, w3.1, xh)
    }
    let xs = inputScale(x, groupCount, group)
    a0 = addGroup(a0, d0, weightScales(w, isNibbles, step, 0, 0), xs)
    a1 = addGroup(a1, d1, weightScales(w, isNibbles, step, 0, 1), xs)
    a2 = addGroup(a2, d2, weightScales(w, isNibbles, step, 0, 2), xs)
    a3 = addGroup(a3, d3, weightScales(w, isNibbles, step, 0, 3), xs)
    w += size
  }
  vstore(out, a0)
  vstore(out + 16, a1)
  vstore(out + 32, a2)
  vstore(out + 48, a3)
}

/// Two panels, one row.
@inline(__always)
func quantTile2x1(
  _ first: UnsafePointer<UInt32>, _ isNibbles: Bool, _ panel: Int, _ stride: Int, _ groups: Range<Int>,
  _ x: UnsafePointer<UInt32>, _ groupCount: Int, _ out: UnsafeMutablePointer<Float>
) {
  let size = groupWords(isNibbles, stride)
  var w = first + groups.lowerBound &* size
  var a0 = vsplat(0)
  var a1 = vsplat(0)
  for group in groups {
    var d0 = start(x, groupCount, group)
    var d1 = d0
    for j in 0..<4 {
      vprefetch(UnsafeRawPointer(w + j &* stride) + prefetchBytes)
      let xl = vsplatBytes(x + (group &* 8 &+ j))
      let xh = vsplatBytes(x + (group &* 8 &+ j &+ 4))
      let w0 = weightSteps(w, isNibbles, stride, j)
      let w1 = weightSteps(w + 16, isNibbles, stride, j)
      d0 = dot(dot(d0, isNibbles, w0.0, xl), isNibbles, w0.1, xh)
      d1 = dot(dot(d1, isNibbles, w1.0, xl), isNibbles, w1.1, xh)
    }
    let xs = inputScale(x, groupCount, group)
    a0 = addGroup(a0, d0, weightScales(w, isNibbles, stride, panel, 0), xs)
    a1 = addGroup(a1, d1, weightScales(w, isNibbles, stride, panel, 1), xs)
    w += size
  }
  vstore(out, a0)
  vstore(out + 16, a1)
}

/// One panel, one row.
@inline(__always)
func quantTile1x1(
  _ first: UnsafePointer<UInt32>, _ isNibbles: Bool, _ panel: Int, _ stride: Int, _ groups: Range<Int>,
  _ x: UnsafePointer<UInt32>, _ groupCount: Int, _ out: UnsafeMutablePointer<Float>
) {
  let size = groupWords(isNibbles, stride)
  var w = first + groups.lowerBound &* size
  var a = vsplat(0)
  for group in groups {
    var d = start(x, groupCount, group)
    for j in 0..<4 {
      vprefetch(UnsafeRawPointer(w + j &* stride) + prefetchBytes)
      let w0 = weightSteps(w, isNibbles, stride, j)
      d = dot(d, isNibbles, w0.0, vsplatBytes(x + (group &* 8 &+ j)))
      d = dot(d, isNibbles, w0.1, vsplatBytes(x + (group &* 8 &+ j &+ 4)))
    }
    a = addGroup(a, d, weightScales(w, isNibbles, stride, panel, 0), inputScale(x, groupCount, group))
    w += size
  }
  vstore(out, a)
}

/// One panel, four rows.
@inline(__always)
func quantTile1x4(
  _ first: UnsafePointer<UInt32>, _ isNibbles: Bool, _ panel: Int, _ stride: Int, _ groups: Range<Int>,
  _ x0: UnsafePointer<UInt32>, _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>,
  _ x3: UnsafePointer<UInt32>, _ groupCount: Int, _ out: UnsafeMutablePointer<Float>
) {
  let size = groupWords(isNibbles, stride)
  var w = first + groups.lowerBound &* size
  var a0 = vsplat(0)
  var a1 = vsplat(0)
  var a2 = vsplat(0)
  var a3 = vsplat(0)
  for group in groups {
    var d0 = start(x0, groupCount, group)
    var d1 = start(x1, groupCount, group)
    var d2 = start(x2, groupCount, group)
    var d3 = start(x3, groupCount, group)
    for j in 0..<4 {
      vprefetch(UnsafeRawPointer(w + j &* stride) + prefetchBytes)
      let k = group &* 8 &+ j
      let (l, h) = weightSteps(w, isNibbles, stride, j)
      d0 = dot(dot(d0, isNibbles, l, vsplatBytes(x0 + k)), isNibbles, h, vsplatBytes(x0 + k + 4))
      d1 = dot(dot(d1, isNibbles, l, vsplatBytes(x1 + k)), isNibbles, h, vsplatBytes(x1 + k + 4))
      d2 = dot(dot(d2, isNibbles, l, vsplatBytes(x2 + k)), isNibbles, h, vsplatBytes(x2 + k + 4))
      d3 = dot(dot(d3, isNibbles, l, vsplatBytes(x3 + k)), isNibbles, h, vsplatBytes(x3 + k + 4))
    }
    let ws = weightScales(w, isNibbles, stride, panel, 0)
    a0 = addGroup(a0, d0, ws, inputScale(x0, groupCount, group))
    a1 = addGroup(a1, d1, ws, inputScale(x1, groupCount, group))
    a2 = addGroup(a2, d2, ws, inputScale(x2, groupCount, group))
    a3 = addGroup(a3, d3, ws, inputScale(x3, groupCount, group))
    w += size
  }
  vstore(out, a0)
  vstore(out + 16, a1)
  vstore(out + 32, a2)
  vstore(out + 48, a3)
}

/// Two panels, four rows: eight integer sums hide the latency of the dot instruction.
@inline(__always)
func quantTile2x4(
  _ first: UnsafePointer<UInt32>, _ isNibbles: Bool, _ panel: Int, _ stride: Int, _ groups: Range<Int>,
  _ x0: UnsafePointer<UInt32>, _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>,
  _ x3: UnsafePointer<UInt32>, _ groupCount: Int, _ out: UnsafeMutablePointer<Float>
) {
  let size = groupWords(isNibbles, stride)
  var w = first + groups.lowerBound &* size
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0), a03 = vsplat(0)
  var a10 = vsplat(0), a11 = vsplat(0), a12 = vsplat(0), a13 = vsplat(0)
  for group in groups {
    var d00 = start(x0, groupCount, group)
    var d01 = start(x1, groupCount, group)
    var d02 = start(x2, groupCount, group)
    var d03 = start(x3, groupCount, group)
    var d10 = d00, d11 = d01, d12 = d02, d13 = d03
    for j in 0..<4 {
      vprefetch(UnsafeRawPointer(w + j &* stride) + prefetchBytes)
      let k = group &* 8 &+ j
      let (l0, h0) = weightSteps(w, isNibbles, stride, j)
      let (l1, h1) = weightSteps(w + 16, isNibbles, stride, j)
      var (xl, xh) = (vsplatBytes(x0 + k), vsplatBytes(x0 + k + 4))
      d00 = dot(dot(d00, isNibbles, l0, xl), isNibbles, h0, xh)
      d10 = dot(dot(d10, isNibbles, l1, xl), isNibbles, h1, xh)
      (xl, xh) = (vsplatBytes(x1 + k), vsplatBytes(x1 + k + 4))
      d01 = dot(dot(d01, isNibbles, l0, xl), isNibbles, h0, xh)
      d11 = dot(dot(d11, isNibbles, l1, xl), isNibbles, h1, xh)
      (xl, xh) = (vsplatBytes(x2 + k), vsplatBytes(x2 + k + 4))
      d02 = dot(dot(d02, isNibbles, l0, xl), isNibbles, h0, xh)
      d12 = dot(dot(d12, isNibbles, l1, xl), isNibbles, h1, xh)
      (xl, xh) = (vsplatBytes(x3 + k), vsplatBytes(x3 + k + 4))
      d03 = dot(dot(d03, isNibbles, l0, xl), isNibbles, h0, xh)
      d13 = dot(dot(d13, isNibbles, l1, xl), isNibbles, h1, xh)
    }
    let ws0 = weightScales(w, isNibbles, stride, panel, 0)
    let ws1 = weightScales(w, isNibbles, stride, panel, 1)
    var xs = inputScale(x0, groupCount, group)
    a00 = addGroup(a00, d00, ws0, xs)
    a10 = addGroup(a10, d10, ws1, xs)
    xs = inputScale(x1, groupCount, group)
    a01 = addGroup(a01, d01, ws0, xs)
    a11 = addGroup(a11, d11, ws1, xs)
    xs = inputScale(x2, groupCount, group)
    a02 = addGroup(a02, d02, ws0, xs)
    a12 = addGroup(a12, d12, ws1, xs)
    xs = inputScale(x3, groupCount, group)
    a03 = addGroup(a03, d03, ws0, xs)
    a13 = addGroup(a13, d13, ws1, xs)
    w += size
  }
  vstore(out, a00)
  vstore(out + 16, a10)
  vstore(out + 32, a01)
  vstore(out + 48, a11)
  vstore(out + 64, a02)
  vstore(out + 80, a12)
  vstore(out + 96, a03)
  vstore(out + 112, a13)
}
