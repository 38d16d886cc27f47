import Compute
import Tensors
import Testing

@Suite struct AttentionTests {
  struct Case: Sendable, CustomStringConvertible {
    var set: InstructionSet
    var format: KVFormat
    var headDim: Int
    var description: String { "\(set) \(format) headDim \(headDim)" }
  }

  static let cases: [Case] = vectorSets.flatMap { set in
    KVFormat.allCases.flatMap { format in
      [1, 16, 24, 32, 64, 80, 128].map { Case(set: set, format: format, headDim: $0) }
    }
  }

  /// One sequence in scattered pages, written and read by both tables.
  @Test(arguments: cases)
  func pagedAttentionEqualsReference(_ c: Case) {
    for seed in UInt64(1)...10 {
      var random = SeededRandom(seed: seed &+ UInt64(c.headDim))
      let slotsPerPage = [16, 32, 48][random.int(below: 3)]
      let length = 1 + random.int(below: 130)
      let queryHeads = 1 + random.int(below: 6)
      let tokens = 1 + random.int(below: min(9, length))
      let window = seed % 3 == 0 ? 1 + random.int(below: 40) : 0
      let cap: Float = seed % 4 == 0 ? 5 : 0
      let pages = (length + slotsPerPage - 1) / slotsPerPage
      let table = (0..<pages).map { Int32($0 * 2 + 1) }
      let keyBytes = c.format.keyBytes(headDim: c.headDim, pageSlots: slotsPerPage)
      let valueBytes = c.format.valueBytes(headDim: c.headDim, pageSlots: slotsPerPage)
      let slots = (0..<length).map {
        table[$0 / slotsPerPage] * Int32(slotsPerPage) + Int32($0 % slotsPerPage)
      }
      let kv = random.floats(length * c.headDim * 2, special: seed & 1 == 0)
      var pools: [([UInt8], [UInt8])] = []
      for kernels in [referenceTable, KernelTable(c.set)] {
        // Unwritten slots hold NaN: masked keys must never matter.
        var keys = [UInt8](repeating: 0xFF, count: (pages * 2 + 1) * keyBytes)
        var values = [UInt8](repeating: 0xFF, count: (pages * 2 + 1) * valueBytes)
        kernels.kvWrite(
          k: kv, kStride: c.headDim * 2, v: Array(kv.dropFirst(c.headDim)), vStride: c.headDim * 2,
          tokens: 0..<length,
          headDim: c.headDim, slots: slots, slotsPerPage: slotsPerPage, format: c.format, keys: &keys,
          keyPageBytes: keyBytes, values: &values, valuePageBytes: valueBytes)
        pools.append((keys, values))
      }
      #expect(pools[0].0 == pools[1].0 && pools[0].1 == pools[1].1, "kvWrite, seed \(seed)")

      let stride = queryHeads * c.headDim + 7
      let q = random.floats(tokens * stride, special: false).map { $0 * 3 }
      // Chunked prefill of the last tokens, or of scattered positions.
      let positions = (0..<tokens).map {
        Int32(seed & 1 == 0 ? length - tokens + $0 : random.int(below: length))
      }
      let lowerKeys: [Int32]? = window == 0 ? nil : positions.map { max(0, $0 - Int32(window) + 1) }
      var expected = [Float](repeating: 5, count: tokens * stride)
      var got = expected
      run(referenceTable, 0, &expected)
      run(KernelTable(c.set), 1, &got)
      #expect(
        difference(got, expected) == nil,
        "seed \(seed), length \(length), tokens \(tokens), heads \(queryHeads), window \(window), \(c)")

      func run(_ kernels: KernelTable, _ pool: Int, _ y: inout [Float]) {
        withOptional(lowerKeys) { lowerKeys in
          kernels.attend(
            q: q, qStride: stride, queryHeads: queryHeads, headDim: c.headDim, tokens: 0..<tokens,
            positions: positions, lowerKeys: lowerKeys, scale: 0.125, cap: cap, pageTable: table,
            slotsPerPage: slotsPerPage, format: c.format, keys: pools[pool].0, keyPageBytes: keyBytes,
            values: pools[pool].1, valuePageBytes: valueBytes, y: &y, yStride: stride)
        }
      }
    }
  }

  /// The reference against plain softmax in double precision.
  @Test func referenceIsAttention() {
    var random = SeededRandom(seed: 8)
    let (length, headDim) = (50, 24)
    let k = random.floats(length * headDim, special: false)
    let v = random.floats(length * headDim, special: false)
    let q = random.floats(headDim, special: false).map { $0 * 4 }
    let slots = (0..<length).map { Int32($0) }
    var keys = [UInt8](repeating: 0, count: 64 * headDim * 4)
    var values = [UInt8](repeating: 0, count: 64 * 32 * 4)
    referenceTable.kvWrite(
      k: k, kStride: headDim, v: v, vStride: headDim, tokens: 0..<length, headDim: headDim, slots: slots,
      slotsPerPage: 64, format: .f32, keys: &keys, keyPageBytes: 0, values: &values, valuePageBytes: 0)
    var y = [Float](repeating: 0, count: headDim)
    referenceTable.attend(
      q: q, qStride: headDim, queryHeads: 1, headDim: headDim, tokens: 0..<1, positions: [Int32(length - 1)],
      lowerKeys: nil, scale: 0.5, cap: 0, pageTable: [0], slotsPerPage: 64, format: .f32, keys: keys,
      keyPageBytes: 0,
      values: values, valuePageBytes: 0, y: &y, yStride: headDim)
    let scores = (0..<length).map { j in
      (0..<headDim).reduce(0.0) { $0 + Double(q[$1]) * Double(k[j * headDim + $1]) } * 0.5
    }
    let weights = scores.map { accurateExp($0 - scores.max()!) }
    for d in 0..<headDim {
      let exact =
        (0..<length).reduce(0.0) { $0 + weights[$1] * Double(v[$1 * headDim + d]) } / weights.reduce(0, +)
      #expect(abs(Double(y[d]) - exact) < 1e-5, "dimension \(d)")
    }
  }
}
