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
func batchRow(_ x: UnsafePointer<Float>, _ stride: Int, _ rows: UnsafePointer<Int32>?, _ t: Int)
  -> UnsafePointer<Float>
{
  if let rows { return x + Int(rows[t]) * stride }
  return x + t * stride
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
