import CIntrinsics

// Tiles of `matmulQuantized`: one leaf's chains for some panels and rows. `w` is the tile's first word in
// group 0, `panel` its panel in the block, `stride` the words of one k step of the block; a group's scales
// lie behind the words of all panels. `x` are quantised rows: ten words a group. Bodies are inlined into one
// function per form and format (`MatmulQuantizedForms.swift`), so that the format is a constant in each.

/// Weights of two k steps: neighbours as bytes; as nibbles, steps j and j + 4, which lie in the same words.
@inline(__always)
func weightSteps(_ w: UnsafePointer<UInt32>, _ isNibbles: Bool, _ stride: Int)
  -> (SIMD16<UInt32>, SIMD16<UInt32>)
{
  if isNibbles {
    let words = vwords(w)
    return (vlowNibbles(words), vhighNibbles(words))
  }
  return (vwords(w), vwords(w + stride))
}

/// The words of activations that meet `weightSteps` number `j`.
@inline(__always)
func inputSteps(_ x: UnsafePointer<UInt32>, _ isNibbles: Bool, _ j: Int)
  -> (SIMD16<Int32>, SIMD16<Int32>)
{
  isNibbles
    ? (vsplatBytes(x + j), vsplatBytes(x + j + 4)) : (vsplatBytes(x + 2 &* j), vsplatBytes(x + 2 &* j + 1))
}

/// acc plus both steps' products.
@inline(__always)
func dotSteps(
  _ acc: SIMD16<Int32>, _ isNibbles: Bool, _ w: (SIMD16<UInt32>, SIMD16<UInt32>),
  _ x: (SIMD16<Int32>, SIMD16<Int32>)
) -> SIMD16<Int32> {
  isNibbles
    ? vdotNibbles(vdotNibbles(acc, w.0, x.0), w.1, x.1) : vdotBytes(vdotBytes(acc, w.0, x.0), w.1, x.1)
}

/// acc + f32(dot) * (ws xs).
@inline(__always)
func addGroup(
  _ acc: SIMD16<Float>, _ dot: SIMD16<Int32>, _ ws: SIMD16<Float>, _ x: UnsafePointer<UInt32>
) -> SIMD16<Float> {
  vfma(vfromInt(dot), vmul(ws, vsplat(Float(bitPattern: x[8]))), acc)
}

/// Words of one group of a block.
@inline(__always)
func groupWords(_ isNibbles: Bool, _ stride: Int) -> Int {
  (isNibbles ? 4 : 8) &* stride &+ stride / 2
}

/// Scales of a panel, `p` panels behind the tile's first; `scales` are those of the block.
@inline(__always)
func weightScales(_ scales: UnsafePointer<UInt32>, _ p: Int) -> SIMD16<Float> {
  vloadF16(UnsafeRawPointer(scales + p &* 8).assumingMemoryBound(to: UInt16.self))
}

/// Four panels, one row: a full block, whose stride is a constant.
@inline(__always)
func quantTile4x1(
  _ block: UnsafePointer<UInt32>, _ isNibbles: Bool, _ groups: Range<Int>, _ x: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) {
  let step = 64
  let size = groupWords(isNibbles, step)
  let lines = isNibbles ? 18 : 34
  var w = block + groups.lowerBound &* size
  var x = x + groups.lowerBound &* 10
  var a0 = vsplat(0), a1 = vsplat(0), a2 = vsplat(0), a3 = vsplat(0)
  for _ in groups {
    vprefetch(UnsafeRawPointer(w) + (prefetchBytes + lines &* 64 - 128))
    vprefetch(UnsafeRawPointer(w) + (prefetchBytes + lines &* 64 - 64))
    var d0 = vsplatBytes(x + 9)
    var d1 = d0, d2 = d0, d3 = d0
    for j in 0..<4 {
      let first = w + (isNibbles ? j : 2 &* j) &* step
      // Spread over the group: a burst of prefetches would fill the miss buffers and stop the loads.
      for line in 0..<(isNibbles ? 4 : 8) {
        vprefetch(UnsafeRawPointer(first) + (prefetchBytes + line &* 64))
      }
      let k = inputSteps(x, isNibbles, j)
      d0 = dotSteps(d0, isNibbles, weightSteps(first, isNibbles, step), k)
      d1 = dotSteps(d1, isNibbles, weightSteps(first + 16, isNibbles, step), k)
      d2 = dotSteps(d2, isNibbles, weightSteps(first + 32, isNibbles, step), k)
      d3 = dotSteps(d3, isNibbles, weightSteps(first + 48, isNibbles, step), k)
    }
    let scales = w + (size - 32)
    a0 = addGroup(a0, d0, weightScales(scales, 0), x)
    a1 = addGroup(a1, d1, weightScales(scales, 1), x)
    a2 = addGroup(a2, d2, weightScales(scales, 2), x)
    a3 = addGroup(a3, d3, weightScales(scales, 3), x)
    w += size
    x += 10
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
  _ x0: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) {
  let size = groupWords(isNibbles, stride)
  let scaleWords = (isNibbles ? 4 : 8) &* stride &- panel &* 8
  var w = first + groups.lowerBound &* size
  var x0 = x0 + groups.lowerBound &* 10
  var a00 = vsplat(0)
  var a10 = vsplat(0)
  for _ in groups {
    var d00 = vsplatBytes(x0 + 9)
    var d10 = d00
    var v = w
    for j in 0..<4 {
      vprefetch(UnsafeRawPointer(v) + prefetchBytes)
      vprefetch(UnsafeRawPointer(v + 16) + prefetchBytes)
      if !isNibbles { vprefetch(UnsafeRawPointer(v + stride) + prefetchBytes) }
      if !isNibbles { vprefetch(UnsafeRawPointer(v + stride + 16) + prefetchBytes) }
      let w0 = weightSteps(v, isNibbles, stride)
      let w1 = weightSteps(v + 16, isNibbles, stride)
      let k0 = inputSteps(x0, isNibbles, j)
      d00 = dotSteps(d00, isNibbles, w0, k0)
      d10 = dotSteps(d10, isNibbles, w1, k0)
      v += isNibbles ? stride : 2 &* stride
    }
    let scales = w + scaleWords
    let s0 = weightScales(scales, 0)
    let s1 = weightScales(scales, 1)
    a00 = addGroup(a00, d00, s0, x0)
    a10 = addGroup(a10, d10, s1, x0)
    w += size
    x0 += 10
  }
  vstore(out, a00)
  vstore(out + 16, a10)
}

/// One panel, one row.
@inline(__always)
func quantTile1x1(
  _ first: UnsafePointer<UInt32>, _ isNibbles: Bool, _ panel: Int, _ stride: Int, _ groups: Range<Int>,
  _ x0: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) {
  let size = groupWords(isNibbles, stride)
  let scaleWords = (isNibbles ? 4 : 8) &* stride &- panel &* 8
  var w = first + groups.lowerBound &* size
  var x0 = x0 + groups.lowerBound &* 10
  var a00 = vsplat(0)
  for _ in groups {
    var d00 = vsplatBytes(x0 + 9)
    var v = w
    for j in 0..<4 {
      vprefetch(UnsafeRawPointer(v) + prefetchBytes)
      if !isNibbles { vprefetch(UnsafeRawPointer(v + stride) + prefetchBytes) }
      let w0 = weightSteps(v, isNibbles, stride)
      let k0 = inputSteps(x0, isNibbles, j)
      d00 = dotSteps(d00, isNibbles, w0, k0)
      v += isNibbles ? stride : 2 &* stride
    }
    let scales = w + scaleWords
    let s0 = weightScales(scales, 0)
    a00 = addGroup(a00, d00, s0, x0)
    w += size
    x0 += 10
  }
  vstore(out, a00)
}

/// One panel, four rows.
@inline(__always)
func quantTile1x4(
  _ first: UnsafePointer<UInt32>, _ isNibbles: Bool, _ panel: Int, _ stride: Int, _ groups: Range<Int>,
  _ x0: UnsafePointer<UInt32>, _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>,
  _ x3: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) {
  let size = groupWords(isNibbles, stride)
  let scaleWords = (isNibbles ? 4 : 8) &* stride &- panel &* 8
  var w = first + groups.lowerBound &* size
  var x0 = x0 + groups.lowerBound &* 10, x1 = x1 + groups.lowerBound &* 10, x2 = x2 + groups.lowerBound &* 10,
    x3 = x3 + groups.lowerBound &* 10
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0), a03 = vsplat(0)
  for _ in groups {
    var d00 = vsplatBytes(x0 + 9), d01 = vsplatBytes(x1 + 9), d02 = vsplatBytes(x2 + 9),
      d03 = vsplatBytes(x3 + 9)
    var v = w
    for j in 0..<4 {
      vprefetch(UnsafeRawPointer(v) + prefetchBytes)
      if !isNibbles { vprefetch(UnsafeRawPointer(v + stride) + prefetchBytes) }
      let w0 = weightSteps(v, isNibbles, stride)
      let k0 = inputSteps(x0, isNibbles, j)
      d00 = dotSteps(d00, isNibbles, w0, k0)
      let k1 = inputSteps(x1, isNibbles, j)
      d01 = dotSteps(d01, isNibbles, w0, k1)
      let k2 = inputSteps(x2, isNibbles, j)
      d02 = dotSteps(d02, isNibbles, w0, k2)
      let k3 = inputSteps(x3, isNibbles, j)
      d03 = dotSteps(d03, isNibbles, w0, k3)
      v += isNibbles ? stride : 2 &* stride
    }
    let scales = w + scaleWords
    let s0 = weightScales(scales, 0)
    a00 = addGroup(a00, d00, s0, x0)
    a01 = addGroup(a01, d01, s0, x1)
    a02 = addGroup(a02, d02, s0, x2)
    a03 = addGroup(a03, d03, s0, x3)
    w += size
    x0 += 10
    x1 += 10
    x2 += 10
    x3 += 10
  }
  vstore(out, a00)
  vstore(out + 16, a01)
  vstore(out + 32, a02)
  vstore(out + 48, a03)
}

/// Two panels, four rows: eight integer sums hide the latency of the dot instruction.
@inline(__always)
func quantTile2x4(
  _ first: UnsafePointer<UInt32>, _ isNibbles: Bool, _ panel: Int, _ stride: Int, _ groups: Range<Int>,
  _ x0: UnsafePointer<UInt32>, _ x1: UnsafePointer<UInt32>, _ x2: UnsafePointer<UInt32>,
  _ x3: UnsafePointer<UInt32>,
  _ prefetchBytes: Int, _ out: UnsafeMutablePointer<Float>
) {
  let size = groupWords(isNibbles, stride)
  let scaleWords = (isNibbles ? 4 : 8) &* stride &- panel &* 8
  var w = first + groups.lowerBound &* size
  var x0 = x0 + groups.lowerBound &* 10, x1 = x1 + groups.lowerBound &* 10, x2 = x2 + groups.lowerBound &* 10,
    x3 = x3 + groups.lowerBound &* 10
  var a00 = vsplat(0), a01 = vsplat(0), a02 = vsplat(0), a03 = vsplat(0)
  var a10 = vsplat(0), a11 = vsplat(0), a12 = vsplat(0), a13 = vsplat(0)
  for _ in groups {
    var d00 = vsplatBytes(x0 + 9), d01 = vsplatBytes(x1 + 9), d02 = vsplatBytes(x2 + 9),
      d03 = vsplatBytes(x3 + 9)
    var d10 = d00, d11 = d01, d12 = d02, d13 = d03
    var v = w
    for j in 0..<4 {
      vprefetch(UnsafeRawPointer(v) + prefetchBytes)
      vprefetch(UnsafeRawPointer(v + 16) + prefetchBytes)
      if !isNibbles { vprefetch(UnsafeRawPointer(v + stride) + prefetchBytes) }
      if !isNibbles { vprefetch(UnsafeRawPointer(v + stride + 16) + prefetchBytes) }
      let w0 = weightSteps(v, isNibbles, stride)
      let w1 = weightSteps(v + 16, isNibbles, stride)
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
      v += isNibbles ? stride : 2 &* stride
    }
    let scales = w + scaleWords
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
    w += size
    x0 += 10
    x1 += 10
    x2 += 10
    x3 += 10
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
