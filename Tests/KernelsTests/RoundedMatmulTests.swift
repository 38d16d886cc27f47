import Compute
import Tensors
import Testing
import Topology

/// Products under `--numerics fast`: the same bits from every instruction set.
@Suite struct RoundedMatmulTests {
  struct Case: Sendable, CustomStringConvertible {
    var set: InstructionSet
    var rows: Int
    var description: String { "\(set) T=\(rows)" }
  }

  static let cases = vectorSets.flatMap { set in
    [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 31, 37, 64].map { Case(set: set, rows: $0) }
  }

  /// One product: leaves `from..<to` of a tree over `leafCount` leaves, or all columns as one.
  private struct Product {
    var inputs: Int
    var outputs: Int
    var rows: Int
    var weights: [UInt32]
    var words: [UInt32] = []
    var xRows: [Int32]?
    var bias: [Float]?
    var leafWidth: Int
    var merges: [UInt8] = [0]
    var roots = 1

    init(_ random: inout SeededRandom, inputs: Int, outputs: Int, rows: Int, special: Bool = true) {
      (self.inputs, self.outputs, self.rows, leafWidth) = (inputs, outputs, rows, inputs)
      weights = packed(
        (0..<outputs).map { _ in random.floats(inputs, special: special) }, inputs: inputs, as: .bf16)
      words = rounded(random.floats((rows + 2) * inputs, special: special), by: referenceTable)
      if random.int(below: 2) == 0 { xRows = (0..<rows).map { _ in Int32(random.int(below: rows + 2)) } }
    }

    func rounded(_ x: [Float], by table: KernelTable) -> [UInt32] {
      let depth = (inputs + 1) / 2
      var words = [UInt32](repeating: 0xA5A5_A5A5, count: x.count / inputs * depth)
      let cut = depth / 2
      for part in [0..<cut, cut..<depth] {
        table.roundRows(x: x, rows: 0..<x.count / inputs, inputs: inputs, words: part, y: &words)
      }
      return words
    }

    func run(_ table: KernelTable, panels: [Range<Int>]) -> [Float] {
      let rootStride = rows * (outputs + 1)
      var y = [Float](repeating: 7, count: max(1, roots * rootStride))
      for part in panels {
        table.matmulRounded(
          weights: weights, panels: part, inputs: inputs, outputs: outputs, x: words, xRows: xRows,
          rows: rows,
          leafWidth: leafWidth, leafCount: merges.count, merges: merges, y: &y, yStride: outputs + 1,
          rootStride: rootStride, bias: bias)
      }
      return y
    }

    /// All panels at once, and as two threads share them.
    func agrees(_ table: KernelTable, cut: Int) -> Bool {
      let all = (outputs + 15) / 16
      let expected = run(referenceTable, panels: [0..<all])
      return difference(run(table, panels: [0..<all]), expected) == nil
        && difference(run(table, panels: [0..<min(cut, all), min(cut, all)..<all]), expected) == nil
    }
  }

  @Test(arguments: cases)
  func columnParallelEqualsReference(_ the: Case) {
    for seed in UInt64(1)...4 {
      var random = SeededRandom(seed: seed)
      for inputs in [1, 2, 17, 64, 129, 389, 512] {
        let outputs = 1 + random.int(below: 220)
        var product = Product(&random, inputs: inputs, outputs: outputs, rows: the.rows)
        if inputs & 1 == 1 { product.bias = random.floats(outputs) }
        #expect(
          product.agrees(KernelTable(the.set), cut: random.int(below: 14)),
          "seed \(seed), K \(inputs), N \(outputs)")
      }
    }
  }

  @Test(arguments: cases)
  func rowParallelEqualsReference(_ the: Case) {
    for seed in UInt64(1)...10 {
      var random = SeededRandom(seed: seed)
      let leafCount = 1 + random.int(below: 16)
      let leafWidth = 2 + 2 * random.int(below: 100)
      let from = random.int(below: leafCount)
      let to = from + 1 + random.int(below: leafCount - from)
      let short = to == leafCount ? random.int(below: leafWidth) : 0
      let tree = CanonicalTree(leafCount: leafCount)
      var product = Product(
        &random, inputs: (to - from) * leafWidth - short, outputs: 1 + random.int(below: 200), rows: the.rows)
      product.leafWidth = leafWidth
      product.merges = tree.merges(of: from..<to)
      product.roots = tree.roots(of: from..<to).count
      #expect(
        product.agrees(KernelTable(the.set), cut: random.int(below: 12)),
        "seed \(seed), leaves \(from)..<\(to) of \(leafCount) x \(leafWidth)")
    }
  }

  @Test("one row gives the same bits alone and in any batch", arguments: vectorSets)
  func batchChangesNothing(_ set: InstructionSet) {
    var random = SeededRandom(seed: 5)
    var product = Product(&random, inputs: 333, outputs: 128, rows: 40, special: false)
    product.xRows = nil
    let together = product.run(KernelTable(set), panels: [0..<8])
    product.rows = 1
    for row in 0..<40 {
      product.xRows = [Int32(row)]
      let alone = product.run(KernelTable(set), panels: [0..<8])
      #expect(difference(alone, Array(together[row * 129..<(row + 1) * 129])) == nil, "row \(row)")
    }
  }

  @Test(arguments: vectorSets)
  func roundingIsThatOfBFloat16(_ set: InstructionSet) {
    var random = SeededRandom(seed: 9)
    for inputs in [1, 15, 16, 33, 100] {
      var x = random.floats(5 * inputs)
      x[0] = .nan
      x[inputs] = -.infinity
      let product = Product(&random, inputs: inputs, outputs: 1, rows: 1)
      let words = product.rounded(x, by: KernelTable(set))
      for row in 0..<5 {
        for pair in 0..<(inputs + 1) / 2 {
          let even = UInt32(BFloat16(x[row * inputs + 2 * pair]).bits)
          let odd = 2 * pair + 1 < inputs ? UInt32(BFloat16(x[row * inputs + 2 * pair + 1]).bits) : 0
          #expect(words[row * ((inputs + 1) / 2) + pair] == odd << 16 | even, "K \(inputs), pair \(pair)")
        }
      }
    }
  }

  @Test("where every sum is exact it equals the strict product")
  func exactSumsEqualTheStrictProduct() {
    var random = SeededRandom(seed: 3)
    let (inputs, outputs, rows) = (777, 192, 37)
    func wholeNumbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.int(below: 15)) - 7 } }
    var product = Product(&random, inputs: inputs, outputs: outputs, rows: rows)
    let x = wholeNumbers((rows + 2) * inputs)
    product.weights = packed((0..<outputs).map { _ in wholeNumbers(inputs) }, inputs: inputs, as: .bf16)
    product.words = product.rounded(x, by: .init())
    var strict = [Float](repeating: 7, count: rows * (outputs + 1))
    referenceTable.matmul(
      weights: product.weights, type: .bf16, panels: 0..<12, inputs: inputs, outputs: outputs, x: x,
      xStride: inputs, xRows: product.xRows, rows: rows, y: &strict, yStride: outputs + 1, bias: nil)
    #expect(difference(product.run(.init(), panels: [0..<12]), strict) == nil)
  }

  @Test("the only error is that of rounded inputs: at most 2^-8 of the sum of magnitudes")
  func errorIsThatOfRoundedInputs() {
    var random = SeededRandom(seed: 3)
    let (inputs, outputs, rows) = (777, 192, 37)
    let matrix = (0..<outputs).map { _ in random.floats(inputs, special: false) }
    let x = random.floats(rows * inputs, special: false)
    var product = Product(&random, inputs: inputs, outputs: outputs, rows: rows)
    product.xRows = nil
    product.weights = packed(matrix, inputs: inputs, as: .bf16)
    product.words = product.rounded(x, by: .init())
    let got = product.run(.init(), panels: [0..<12])
    var strict = got
    referenceTable.matmul(
      weights: product.weights, type: .bf16, panels: 0..<12, inputs: inputs, outputs: outputs, x: x,
      xStride: inputs, xRows: nil, rows: rows, y: &strict, yStride: outputs + 1, bias: nil)
    #expect(got != strict)
    for row in 0..<rows {
      for output in 0..<outputs {
        let magnitudes = (0..<inputs).reduce(Float(0)) { $0 + abs(matrix[output][$1] * x[row * inputs + $1]) }
        let place = row * (outputs + 1) + output
        #expect(abs(got[place] - strict[place]) <= magnitudes / 256, "row \(row), output \(output)")
      }
    }
  }
}
