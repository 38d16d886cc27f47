import Compute
import Testing

/// Kernels over rows: norms, rotary embedding, activations, element-wise work.
@Suite struct RowKernelTests {
  static let sizes = Array(0...34) + [47, 48, 63, 64, 65, 100, 128, 257]

  @Test(arguments: vectorSets)
  func rmsNorm(_ set: InstructionSet) {
    for size in Self.sizes where size > 0 {
      for (vectors, unitOffset) in [(1, false), (3, true)] {
        var random = SeededRandom(seed: UInt64(size))
        let stride = size * vectors + 3
        let x = random.floats(4 * stride)
        let weight = random.floats(size)
        var expected = [Float](repeating: 3, count: 4 * stride)
        var got = expected
        referenceTable.rmsNorm(
          x: x, xStride: stride, rows: 1..<4, vectorsPerRow: vectors, size: size, weight: weight,
          unitOffset: unitOffset, epsilon: 1e-6, y: &expected, yStride: stride)
        KernelTable(set).rmsNorm(
          x: x, xStride: stride, rows: 1..<4, vectorsPerRow: vectors, size: size, weight: weight,
          unitOffset: unitOffset, epsilon: 1e-6, y: &got, yStride: stride)
        #expect(difference(got, expected) == nil, "size \(size), seed \(size)")
      }
    }
  }

  @Test(arguments: vectorSets)
  func rope(_ set: InstructionSet) {
    for (headDim, rotaryDim) in [
      (24, 24), (16, 16), (32, 32), (64, 64), (64, 32), (80, 20), (128, 128), (6, 2),
    ] {
      var random = SeededRandom(seed: UInt64(headDim + rotaryDim))
      let half = rotaryDim / 2
      let cosines = random.floats(10 * half)
      let sines = random.floats(10 * half)
      let positions: [Int32] = [0, 9, 3, 4, 3]
      let stride = 3 * headDim + 5
      let x = random.floats(5 * stride)
      var expected = x
      var got = x
      referenceTable.rope(
        x: &expected, xStride: stride, rows: 0..<5, heads: 3, headDim: headDim, rotaryDim: rotaryDim,
        positions: positions, cosines: cosines, sines: sines)
      KernelTable(set).rope(
        x: &got, xStride: stride, rows: 0..<5, heads: 3, headDim: headDim, rotaryDim: rotaryDim,
        positions: positions, cosines: cosines, sines: sines)
      #expect(difference(got, expected) == nil, "headDim \(headDim), rotaryDim \(rotaryDim)")
    }
  }

  @Test(arguments: vectorSets)
  func gatedActivations(_ set: InstructionSet) {
    for size in Self.sizes {
      var random = SeededRandom(seed: UInt64(size) + 5)
      let stride = size + 4
      let gate = random.floats(3 * stride).map { $0 * 20 } + specials
      let up = random.floats(gate.count)
      for gelu in [false, true] {
        var expected = [Float](repeating: 1, count: gate.count)
        var got = expected
        run(referenceTable, &expected)
        run(KernelTable(set), &got)
        #expect(difference(got, expected) == nil, "size \(size), gelu \(gelu)")

        func run(_ table: KernelTable, _ y: inout [Float]) {
          let columns = size / 3..<size
          if gelu {
            table.geluTanhMul(
              gate: gate, gateStride: stride, up: up, upStride: stride, y: &y, yStride: stride, rows: 0..<3,
              columns: columns)
          } else {
            table.siluMul(
              gate: gate, gateStride: stride, up: up, upStride: stride, y: &y, yStride: stride, rows: 0..<3,
              columns: columns)
          }
        }
      }
    }
  }

  @Test(arguments: vectorSets)
  func functionsOfOneRow(_ set: InstructionSet) {
    let table = KernelTable(set)
    for size in Self.sizes {
      var random = SeededRandom(seed: UInt64(size) + 9)
      let x = (random.floats(size).map { $0 * 90 } + specials).shuffledLightly(&random)
      let count = x.count
      let start = random.floats(count)
      func compare(_ name: String, _ body: (KernelTable, inout [Float]) -> Void) {
        var expected = start
        var got = start
        body(referenceTable, &expected)
        body(table, &got)
        #expect(difference(got, expected) == nil, "\(name), size \(size)")
      }
      compare("sigmoid") { $0.sigmoid(x: x, y: &$1, count: count) }
      compare("tanh") { $0.hyperbolicTangent(x: x, y: &$1, count: count) }
      compare("softCap") { $0.softCap(x: x, cap: 30, y: &$1, count: count) }
      compare("exp") { $0.exponentials(x: x, y: &$1, count: count) }
      compare("add") { $0.addInPlace(y: &$1, x: x, count: count) }
      compare("accumulate") { $0.scaledAccumulate(y: &$1, x: x, scale: 0.37, count: count) }
      compare("multiply") { $0.multiply(y: &$1, x: x, scale: -1.7, count: count) }
      var expected = [UInt16](repeating: 9, count: count)
      var got = expected
      referenceTable.convertToBF16(x: x, y: &expected, count: count)
      table.convertToBF16(x: x, y: &got, count: count)
      #expect(got == expected, "convertToBF16, size \(size)")
      compare("fromBF16") { $0.convertFromBF16(x: expected, y: &$1, count: count) }
    }
  }

  /// Against double precision: the functions are not only equal everywhere but right.
  @Test func functionsAreAccurate() {
    var random = SeededRandom(seed: 77)
    let x = (0..<200_000).map { _ in random.float(special: false) * 88 }
    var e = x
    var t = x
    let small = x.map { $0 * 0.05 }
    KernelTable().exponentials(x: x, y: &e, count: x.count)
    KernelTable().hyperbolicTangent(x: small, y: &t, count: x.count)
    var worstExp = 0.0
    var worstTanh = 0.0
    for i in x.indices {
      worstExp = max(worstExp, unitsInLastPlace(e[i], accurateExp(Double(x[i]))))
      worstTanh = max(worstTanh, unitsInLastPlace(t[i], accurateTanh(Double(small[i]))))
    }
    #expect(worstExp < 1.1, "exp is off by \(worstExp) ulp")
    #expect(worstTanh < 2.5, "tanh is off by \(worstTanh) ulp")
  }
}

/// Values where functions may break.
let specials: [Float] = [
  .infinity, -.infinity, .nan, 0, -0.0, 88.72, 88.73, 89.5, -87.3, -87.4, -103.9, -104.1, -120, 3e38, -3e38,
  0x1p-133,
  -0x1p-133, 0.625, -0.6250001, 0.6249999,
]

extension [Float] {
  /// The same values in another order, so that special ones meet every lane.
  func shuffledLightly(_ random: inout SeededRandom) -> [Float] {
    let shift = random.int(below: Swift.max(1, count))
    return Array(self[shift...] + self[..<shift])
  }
}

/// |value - exact| in units of the last place of `value`.
func unitsInLastPlace(_ value: Float, _ exact: Double) -> Double {
  abs(Double(value) - exact) / Double(max(value.ulp, Float.leastNormalMagnitude.ulp))
}
