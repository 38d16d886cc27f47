import Compute
import Tensors
import Testing
import Topology

/// Products under `--numerics fast`. Where every sum is exact no order can be seen, so they must equal the reference.
@Suite(.enabled(if: KernelTable(.best, isFast: true).usesBF16Dots))
struct FastMatmulTests {
  static let rowCounts = [0, 1, 2, 3, 5, 6, 7, 12, 13, 31, 32, 33, 64, 71]

  /// Whole numbers whose sums of products stay far below 2^24.
  private func wholeNumbers(_ random: inout SeededRandom, _ count: Int) -> [Float] {
    (0..<count).map { _ in Float(random.int(below: 15)) - 7 }
  }

  @Test(arguments: rowCounts)
  func exactSumsEqualTheReference(rows: Int) {
    for (seed, inputs) in [1, 2, 17, 64, 389, 512, 1030].enumerated() {
      var random = SeededRandom(seed: UInt64(seed &* 97 &+ rows))
      for outputs in [1, 16, 63, 64, 65, 120, 128, 200] {
        let weights = packed(
          (0..<outputs).map { _ in wholeNumbers(&random, inputs) }, inputs: inputs, as: .bf16)
        let x = wholeNumbers(&random, (rows + 3) * (inputs + 3))
        let bias = wholeNumbers(&random, outputs)
        let xRows = (0..<rows).map { _ in Int32(random.int(below: rows + 3)) }
        var expected = [Float](repeating: 7, count: max(1, rows * (outputs + 2)))
        var got = expected
        run(referenceTable, &expected)
        run(KernelTable(.best, isFast: true), &got)
        #expect(difference(got, expected) == nil, "K \(inputs), N \(outputs), T \(rows)")

        func run(_ table: KernelTable, _ y: inout [Float]) {
          table.matmul(
            weights: weights, type: .bf16, panels: 0..<(outputs + 15) / 16, inputs: inputs, outputs: outputs,
            x: x, xStride: inputs + 3, xRows: inputs & 1 == 0 ? xRows : nil, rows: rows, y: &y,
            yStride: outputs + 2, bias: outputs & 1 == 0 ? bias : nil)
        }
      }
    }
  }

  @Test(arguments: rowCounts)
  func exactSumsOfLeavesEqualTheReference(rows: Int) {
    for seed in UInt64(1)...12 {
      var random = SeededRandom(seed: seed)
      let leafCount = 1 + random.int(below: 16)
      let leafWidth = 2 + 2 * random.int(below: 50)
      let from = random.int(below: leafCount)
      let to = from + 1 + random.int(below: leafCount - from)
      let short = to == leafCount ? random.int(below: leafWidth) : 0
      let inputs = (to - from) * leafWidth - short
      let outputs = 1 + random.int(below: 200)
      let tree = CanonicalTree(leafCount: leafCount)
      let merges = tree.merges(of: from..<to)
      let weights = packed(
        (0..<outputs).map { _ in wholeNumbers(&random, inputs) }, inputs: inputs, as: .bf16)
      let x = wholeNumbers(&random, max(1, rows) * inputs)
      let rootStride = max(1, rows) * outputs + 5
      var expected = [Float](repeating: 7, count: tree.roots(of: from..<to).count * rootStride)
      var got = expected
      run(referenceTable, &expected)
      run(KernelTable(.best, isFast: true), &got)
      #expect(
        difference(got, expected) == nil,
        "seed \(seed), leaves \(from)..<\(to) of \(leafCount) x \(leafWidth), N \(outputs), T \(rows)")

      func run(_ table: KernelTable, _ y: inout [Float]) {
        table.matmulLeaves(
          weights: weights, type: .bf16, panels: 0..<(outputs + 15) / 16, inputs: inputs, outputs: outputs,
          x: x, xStride: inputs, xRows: nil, rows: rows, leafWidth: leafWidth, leafCount: to - from,
          merges: merges, y: &y, yStride: outputs, rootStride: rootStride)
      }
    }
  }

  @Test("the only error is that of rounded inputs: at most 2^-8 of the sum of magnitudes")
  func errorIsThatOfRoundedInputs() {
    var random = SeededRandom(seed: 3)
    let (inputs, outputs, rows) = (777, 192, 37)
    let matrix = (0..<outputs).map { _ in random.floats(inputs, special: false) }
    let weights = packed(matrix, inputs: inputs, as: .bf16)
    let x = random.floats(rows * inputs, special: false)
    var expected = [Float](repeating: 0, count: rows * outputs)
    var got = expected
    for (table, isFast) in [(referenceTable, false), (KernelTable(.best, isFast: true), true)] {
      var y = [Float](repeating: 0, count: rows * outputs)
      table.matmul(
        weights: weights, type: .bf16, panels: 0..<outputs / 16, inputs: inputs, outputs: outputs, x: x,
        xStride: inputs, xRows: nil, rows: rows, y: &y, yStride: outputs, bias: nil)
      if isFast { got = y } else { expected = y }
    }
    #expect(got != expected)
    for row in 0..<rows {
      for output in 0..<outputs {
        let magnitudes = (0..<inputs).reduce(Float(0)) { $0 + abs(matrix[output][$1] * x[row * inputs + $1]) }
        let error = abs(got[row * outputs + output] - expected[row * outputs + output])
        #expect(error <= magnitudes / 256, "row \(row), output \(output)")
      }
    }
  }
}
