package import Tensors

// Textbook twins of the q8 and q4 kernels: one element at a time.

/// The textbook twin of `quantizeRows`.
package func referenceQuantizeRows(
  x: UnsafePointer<Float>, xStride: Int, rows: Range<Int>, inputs: Int, leafWidth: Int, groups: Range<Int>,
  groupCount: Int, zeroPoint: Int32, y: UnsafeMutableRawPointer
) {
  for row in rows {
    for group in groups {
      let record = y + (row * groupCount + group) * 40
      let columns = columnsOfGroup(group, inputs, leafWidth)
      let values = columns.map { x[row * xStride + $0] }
      let finite = values.allSatisfy(\.isFinite)
      let greatest = finite ? values.reduce(0) { max($0, abs($1)) } : 0
      let inverse: Float = greatest > 0x1p-100 ? 127 / greatest : 0
      var sum: Int32 = 0
      for i in 0..<32 {
        let value = finite && i < values.count ? values[i] : 0
        let byte = Int8((value * inverse).rounded(.toNearestOrEven))
        record.storeBytes(of: byte, toByteOffset: i, as: Int8.self)
        sum += Int32(byte)
      }
      let scale = finite ? (greatest > 0x1p-100 ? greatest / 127 : 0) : .nan
      record.storeBytes(of: scale, toByteOffset: 32, as: Float.self)
      record.storeBytes(of: -zeroPoint * sum, toByteOffset: 36, as: Int32.self)
    }
  }
}

/// Columns of one group: 32, or fewer at the end of a leaf.
private func columnsOfGroup(_ group: Int, _ inputs: Int, _ leafWidth: Int) -> Range<Int> {
  let perLeaf = (leafWidth + 31) / 32
  let first = group / perLeaf * leafWidth + group % perLeaf * 32
  return first..<min(first + 32, min(inputs, (group / perLeaf + 1) * leafWidth))
}

/// The textbook twin of `packQuantizedRows`.
package func referencePackQuantizedRows(
  rowPointers: UnsafePointer<UnsafeRawPointer?>, sourceType: DType, inputs: Int, outputs: Int,
  blocks: Range<Int>, destination: UnsafeMutableRawPointer, isNibbles: Bool, leafWidth: Int
) {
  let allPanels = (outputs + 15) / 16
  let groupCount = QuantGroups(columns: inputs, leafWidth: leafWidth).count
  for row in blocks.lowerBound * 64..<min(blocks.upperBound * 64, allPanels * 16) {
    for group in 0..<groupCount {
      let columns = columnsOfGroup(group, inputs, leafWidth)
      var values = [Float](repeating: 0, count: 32)
      if row < outputs, let source = rowPointers[row] {
        for (i, k) in columns.enumerated() { values[i] = scalarWidened(source, sourceType, k) }
      }
      let (stored, scale) = isNibbles ? quantizedNibbles(values) : quantizedBytes(values)
      for (k, value) in stored.enumerated() {
        let place = storedPlace(row, group, k, allPanels, groupCount, isNibbles)
        let old = destination.load(fromByteOffset: place.byte, as: UInt8.self)
        let new = isNibbles ? (place.high ? old & 0x0F | value << 4 : value) : value
        destination.storeBytes(of: new, toByteOffset: place.byte, as: UInt8.self)
      }
      destination.storeBytes(
        of: scale, toByteOffset: scalePlace(row, group, allPanels, groupCount, isNibbles), as: UInt16.self)
    }
  }
}

private func quantizedBytes(_ values: [Float]) -> ([UInt8], UInt16) {
  guard values.allSatisfy(\.isFinite) else { return (Array(repeating: 128, count: 32), 0x7E00) }
  let greatest = values.reduce(0) { max($0, abs($1)) }
  let scale = Float16(min(greatest / 127, 65504))
  let inverse: Float = scale == 0 ? 0 : 1 / Float(scale)
  let stored = values.map {
    UInt8(128 + Int(min(max($0 * inverse, -127), 127).rounded(.toNearestOrEven)))
  }
  return (stored, scale.bitPattern)
}

private func quantizedNibbles(_ values: [Float]) -> ([UInt8], UInt16) {
  guard values.allSatisfy(\.isFinite) else { return (Array(repeating: 8, count: 32), 0x7E00) }
  let greatest = values.reduce(0) { max($0, abs($1)) }
  let extreme = values.first { abs($0) == greatest } ?? 0
  let magnitude = Float16(min(greatest / 8, 65504))
  let scale = extreme.sign == .minus ? magnitude : -magnitude
  let inverse: Float = scale == 0 ? 0 : 1 / Float(scale)
  let stored = values.map { UInt8(8 + Int(min(max($0 * inverse, -8), 7).rounded(.toNearestOrEven))) }
  return (stored, scale.bitPattern)
}

/// The byte (and its half) that holds column k of a group: the layout, spelled out.
private func storedPlace(
  _ row: Int, _ group: Int, _ k: Int, _ allPanels: Int, _ groupCount: Int, _ isNibbles: Bool
) -> (byte: Int, high: Bool) {
  let block = row / 64
  let blockPanels = min(4, allPanels - block * 4)
  let step = isNibbles ? k % 16 / 4 : k / 4
  let start = (block * 4 * groupCount + group * blockPanels) * (isNibbles ? 288 : 544)
  return (start + ((step * blockPanels + row % 64 / 16) * 16 + row % 16) * 4 + k % 4, isNibbles && k >= 16)
}

/// The byte where the scale of a row's group begins.
private func scalePlace(
  _ row: Int, _ group: Int, _ allPanels: Int, _ groupCount: Int, _ isNibbles: Bool
) -> Int {
  let block = row / 64
  let blockPanels = min(4, allPanels - block * 4)
  let start = (block * 4 * groupCount + group * blockPanels) * (isNibbles ? 288 : 544)
  return start + blockPanels * (isNibbles ? 256 : 512) + (row % 64 / 16) * 32 + row % 16 * 2
}

/// The textbook twin of `matmulQuantized`.
package func referenceMatmulQuantized(
  weights: UnsafeRawPointer, isNibbles: Bool, panels: Range<Int>, inputs: Int, outputs: Int,
  x: UnsafeRawPointer, xRows: UnsafePointer<Int32>?, rows: Int,
  leafWidth: Int, leafCount: Int, merges: UnsafePointer<UInt8>,
  y: UnsafeMutablePointer<Float>, yStride: Int, rootStride: Int, bias: UnsafePointer<Float>?
) {
  let layout = QuantGroups(columns: inputs, leafWidth: leafWidth)
  let allPanels = (outputs + 15) / 16
  for t in 0..<rows {
    let xRow = x + Int(xRows?[t] ?? Int32(t)) * layout.rowBytes
    for n in panels.lowerBound * 16..<max(panels.lowerBound * 16, min(outputs, panels.upperBound * 16)) {
      var stack: [Float] = []
      for leaf in 0..<leafCount {
        var acc: Float = 0
        for group in leaf * layout.perLeaf..<min(layout.count, (leaf + 1) * layout.perLeaf) {
          var dot = 0
          for k in 0..<32 {
            let place = storedPlace(n, group, k, allPanels, layout.count, isNibbles)
            let byte = weights.load(fromByteOffset: place.byte, as: UInt8.self)
            let stored = isNibbles ? (place.high ? byte >> 4 : byte & 15) : byte
            let input = xRow.load(fromByteOffset: group * 40 + k, as: Int8.self)
            dot += (Int(stored) - (isNibbles ? 8 : 128)) * Int(input)
          }
          let place = scalePlace(n, group, allPanels, layout.count, isNibbles)
          let ws = binary16ToFloat(weights.load(fromByteOffset: place, as: UInt16.self))
          let xs = xRow.load(fromByteOffset: group * 40 + 32, as: Float.self)
          acc = acc.addingProduct(Float(dot), ws * xs)
        }
        stack.append(acc)
        for _ in 0..<merges[leaf] {
          let b = stack.removeLast()
          stack[stack.count - 1] += b
        }
      }
      for (root, sum) in stack.enumerated() {
        y[root * rootStride + t * yStride + n] = bias.map { sum + $0[n] } ?? sum
      }
    }
  }
}
