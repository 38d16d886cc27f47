import CIntrinsics

/// a = a + b over the first `count` floats, a multiple of sixteen, of one tile of partial sums.
@inline(__always)
func addTile(_ a: UnsafeMutablePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) {
  var i = 0
  while i < count {
    vstore(a + i, vadd(vload(a + i), vload(b + i)))
    i += 16
  }
}

/// Copies a tile [row][panel][16] to its place in y, adds the bias, leaves lanes beyond N alone.
@inline(__always)
func storeTile(
  _ tile: UnsafePointer<Float>, _ panel: Int, _ tilePanels: Int, _ tileRows: Int, _ outputs: Int,
  _ y: UnsafeMutablePointer<Float>, _ yStride: Int, _ bias: UnsafePointer<Float>?
) {
  for row in 0..<tileRows {
    for p in 0..<tilePanels {
      let column = (panel + p) * 16
      let lanes = min(16, outputs - column)
      var value = vload(tile + (row * tilePanels + p) * 16)
      if lanes == 16 {
        if let bias { value = vadd(value, vload(bias + column)) }
        vstore(y + row * yStride + column, value)
      } else {
        if let bias { value = vadd(value, vloadPart(bias + column, lanes)) }
        vstorePart(y + row * yStride + column, value, lanes)
      }
    }
  }
}

/// Row `t` of the batch.
@inline(__always)
func batchRow<Element>(
  _ x: UnsafePointer<Element>, _ stride: Int, _ rows: UnsafePointer<Int32>?, _ t: Int
) -> UnsafePointer<Element> {
  if let rows { return x + Int(rows[t]) * stride }
  return x + t * stride
}

/// Walks the leaves of a contraction and adds up their sums along the canonical tree.
///
/// `body` computes the sums of one leaf, given its units (columns, or groups of them), at the place it is given. Places
/// are `levelFloats` apart, `usedFloats` of each are in use. Returns the number of roots that are left, bottom first.
@inline(__always)
func sumLeaves(
  _ stack: UnsafeMutablePointer<Float>, _ levelFloats: Int, _ usedFloats: Int, _ units: Int, _ leafWidth: Int,
  _ leafCount: Int, _ merges: UnsafePointer<UInt8>, _ body: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
) -> Int {
  var top = 0
  var start = 0
  for leaf in 0..<leafCount {
    precondition(top < leafStackDepth, "merges leave more than \(leafStackDepth) partial sums")
    let end = start + min(leafWidth, units - start)
    body(start..<end, stack + top * levelFloats)
    top += 1
    start = end
    for _ in 0..<merges[leaf] {
      top -= 1
      addTile(stack + (top - 1) * levelFloats, stack + top * levelFloats, usedFloats)
    }
  }
  return top
}

/// Most partial sums that wait at a time.
func deepestStack(_ merges: UnsafePointer<UInt8>, _ leafCount: Int) -> Int {
  var top = 0
  var most = 1
  for leaf in 0..<leafCount {
    top += 1
    most = max(most, top)
    top -= Int(merges[leaf])
  }
  precondition(most <= leafStackDepth, "merges leave more than \(leafStackDepth) partial sums")
  return most
}
