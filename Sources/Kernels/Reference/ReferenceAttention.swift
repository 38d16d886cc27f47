package import Tensors

/// The textbook twin of `kvWrite`.
package func referenceKVWrite(
  k: UnsafePointer<Float>, kStride: Int, v: UnsafePointer<Float>, vStride: Int, tokens: Range<Int>,
  headDim: Int,
  slots: UnsafePointer<Int32>, slotsPerPage: Int, format: KVFormat,
  keys: UnsafeMutableRawPointer, keyPageBytes: Int, values: UnsafeMutableRawPointer, valuePageBytes: Int
) {
  let padded = (headDim + 15) / 16 * 16
  /// `inverse` is 127 over the greatest magnitude of the vector, for q8 alone.
  func store(_ value: Float, _ inverse: Float, _ base: UnsafeMutableRawPointer, _ index: Int) {
    switch format {
    case .bf16: base.storeBytes(of: BFloat16(value).bits, toByteOffset: index * 2, as: UInt16.self)
    case .f32: base.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
    case .q8:
      let rounded = inverse == 0 ? 0 : (value * inverse).rounded(.toNearestOrEven)
      base.storeBytes(of: Int8(rounded), toByteOffset: index, as: Int8.self)
    }
  }
  for t in tokens where slots[t] >= 0 {
    let page = Int(slots[t]) / slotsPerPage
    let slot = Int(slots[t]) % slotsPerPage
    let (keyPage, valuePage) = (keys + page * keyPageBytes, values + page * valuePageBytes)
    let key = (0..<headDim).map { k[t * kStride + $0] }
    let value = (0..<padded).map { $0 < headDim ? v[t * vStride + $0] : 0 }
    let (keyScale, keyInverse) = referenceByteScale(key)
    let (valueScale, valueInverse) = referenceByteScale(value)
    for d in 0..<headDim { store(key[d], keyInverse, keyPage, (slot / 16 * headDim + d) * 16 + slot % 16) }
    for d in 0..<padded { store(value[d], valueInverse, valuePage, slot * padded + d) }
    if format == .q8 {
      keyPage.storeBytes(of: keyScale, toByteOffset: slotsPerPage * headDim + slot * 4, as: Float.self)
      valuePage.storeBytes(of: valueScale, toByteOffset: slotsPerPage * padded + slot * 4, as: Float.self)
    }
  }
}

/// Scale of a vector rounded to signed bytes, and what its elements are multiplied by.
private func referenceByteScale(_ values: [Float]) -> (scale: Float, inverse: Float) {
  guard values.allSatisfy(\.isFinite) else { return (.nan, 0) }
  let greatest = values.reduce(0) { max($0, abs($1)) }
  return greatest > 0x1p-100 ? (greatest / 127, 127 / greatest) : (0, 0)
}

/// The textbook twin of `attend`: one query row after another, one key after another.
package func referenceAttend(
  q: UnsafePointer<Float>, qStride: Int, queryHeads: Int, headDim: Int, tokens: Range<Int>,
  positions: UnsafePointer<Int32>, lowerKeys: UnsafePointer<Int32>?, scale: Float, cap: Float,
  pageTable: UnsafePointer<Int32>, slotsPerPage: Int, format: KVFormat,
  keys: UnsafeRawPointer, keyPageBytes: Int, values: UnsafeRawPointer, valuePageBytes: Int,
  y: UnsafeMutablePointer<Float>, yStride: Int
) {
  let padded = (headDim + 15) / 16 * 16
  func element(_ base: UnsafeRawPointer, _ index: Int) -> Float {
    switch format {
    case .bf16: BFloat16(bits: base.load(fromByteOffset: index * 2, as: UInt16.self)).float
    case .f32: base.load(fromByteOffset: index * 4, as: Float.self)
    case .q8: Float(base.load(fromByteOffset: index, as: Int8.self))
    }
  }
  func storedScale(_ pages: UnsafeRawPointer, _ pageBytes: Int, _ position: Int, _ width: Int) -> Float {
    guard format == .q8 else { return 1 }
    let page = pages + Int(pageTable[position / slotsPerPage]) * pageBytes
    let slot: Int = position % slotsPerPage
    return page.load(fromByteOffset: slotsPerPage * width + slot * 4, as: Float.self)
  }
  func key(_ position: Int, _ d: Int) -> Float {
    let slot = position % slotsPerPage
    let page = keys + Int(pageTable[position / slotsPerPage]) * keyPageBytes
    return element(page, (slot / 16 * headDim + d) * 16 + slot % 16)
  }
  func value(_ position: Int, _ d: Int) -> Float {
    let page = values + Int(pageTable[position / slotsPerPage]) * valuePageBytes
    return element(page, position % slotsPerPage * padded + d)
  }
  for t in tokens {
    let last = Int(positions[t])
    let lower = Int(lowerKeys?[t] ?? 0)
    for head in 0..<queryHeads {
      let query = (0..<headDim).map { q[t * qStride + head * headDim + $0] * scale }
      var m = -Float.infinity
      var l: Float = 0
      var acc = [Float](repeating: 0, count: headDim)
      for block in lower / 16...last / 16 {
        let visible = max(lower, block * 16)...min(last, block * 16 + 15)
        var scores = [Float](repeating: -.infinity, count: 16)
        for j in visible {
          var s: Float = 0
          for d in 0..<headDim { s = s.addingProduct(query[d], key(j, d)) }
          s *= storedScale(keys, keyPageBytes, j, headDim)
          if cap > 0 { s = cap * referenceTanh(s / cap) }
          scores[j % 16] = s
        }
        let blockMaximum = treeMax16(scores)
        let newMaximum = blockMaximum > m ? blockMaximum : m
        let c = referenceExp(m - newMaximum)
        var p = [Float](repeating: 0, count: 16)
        for j in visible { p[j % 16] = referenceExp(scores[j % 16] - newMaximum) }
        l = l * c + treeSum16(p)
        for j in visible { p[j % 16] *= storedScale(values, valuePageBytes, j, padded) }
        for d in 0..<headDim {
          acc[d] *= c
          for j in visible { acc[d] = acc[d].addingProduct(p[j % 16], value(j, d)) }
        }
        m = newMaximum
      }
      for d in 0..<headDim { y[t * yStride + head * headDim + d] = acc[d] / l }
    }
  }
}
