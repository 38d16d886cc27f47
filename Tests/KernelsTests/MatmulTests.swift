import Compute
import Tensors
import Testing
import Topology

@Suite struct MatmulTests {
  struct Case: Sendable, CustomStringConvertible {
    var set: InstructionSet
    var type: DType
    var rows: Int
    var description: String { "\(set) \(type) T=\(rows)" }
  }

  static let cases: [Case] = vectorSets.flatMap { set in
    [DType.bf16, .f32].flatMap { type in
      [0, 1, 2, 3, 4, 5, 6, 7, 9, 13, 16, 17, 20, 25, 37, 55, 57].map { Case(set: set, type: type, rows: $0) }
    }
  }

  @Test(arguments: cases)
  func equalsReference(_ c: Case) {
    for seed in UInt64(1)...6 {
      var random = SeededRandom(seed: seed &* 31 &+ UInt64(c.rows))
      let inputs = [1, 2, 3, 17, 64, 389][Int(seed) - 1]
      for outputs in seed == 6 ? [17, 100] : [1, 15, 16, 17, 33, 48, 63, 64, 65, 100, 150] {
        let weights = packed((0..<outputs).map { _ in random.floats(inputs) }, inputs: inputs, as: c.type)
        let xStride = inputs + 3
        let x = random.floats((c.rows + 5) * xStride)
        let bias: [Float]? = seed & 1 == 0 ? random.floats(outputs) : nil
        let xRows: [Int32]? =
          seed % 3 == 0 ? (0..<c.rows).map { _ in Int32(random.int(below: c.rows + 5)) } : nil
        let allPanels = (outputs + 15) / 16
        let first = random.int(below: allPanels)
        for panels in [0..<allPanels, first..<allPanels, 0..<first] {
          let yStride = outputs + 2
          var expected = [Float](repeating: 7, count: max(1, c.rows * yStride))
          var got = expected
          run(referenceTable, &expected, panels)
          run(KernelTable(c.set), &got, panels)
          #expect(
            difference(got, expected) == nil,
            "seed \(seed), K \(inputs), N \(outputs), panels \(panels), \(c)")

          func run(_ table: KernelTable, _ y: inout [Float], _ panels: Range<Int>) {
            withOptional(bias) { bias in
              withOptional(xRows) { xRows in
                table.matmul(
                  weights: weights, type: c.type, panels: panels, inputs: inputs, outputs: outputs, x: x,
                  xStride: xStride, xRows: xRows, rows: c.rows, y: &y, yStride: yStride, bias: bias)
              }
            }
          }
        }
      }
    }
  }

  @Test(arguments: cases)
  func leavesEqualReference(_ c: Case) {
    for seed in UInt64(1)...12 {
      var random = SeededRandom(seed: seed)
      let leafCount = 1 + random.int(below: 16)
      let leafWidth = 2 + 2 * random.int(below: 9)
      let from = random.int(below: leafCount)
      let to = from + 1 + random.int(below: leafCount - from)
      // The last leaf of the model may be shorter; a local range that ends earlier has whole leaves.
      let short = to == leafCount ? random.int(below: leafWidth) : 0
      let inputs = (to - from) * leafWidth - short
      let outputs = 1 + random.int(below: 90)
      let merges = CanonicalTree(leafCount: leafCount).merges(of: from..<to)
      let roots = CanonicalTree(leafCount: leafCount).roots(of: from..<to).count
      let weights = packed((0..<outputs).map { _ in random.floats(inputs) }, inputs: inputs, as: c.type)
      let x = random.floats(max(1, c.rows) * inputs)
      let rootStride = max(1, c.rows) * outputs + 5
      var expected = [Float](repeating: 7, count: roots * rootStride)
      var got = expected
      run(referenceTable, &expected)
      run(KernelTable(c.set), &got)
      #expect(
        difference(got, expected) == nil,
        "seed \(seed), leaves \(from)..<\(to) of \(leafCount) x \(leafWidth), N \(outputs), \(c)")

      func run(_ table: KernelTable, _ y: inout [Float]) {
        table.matmulLeaves(
          weights: weights, type: c.type, panels: 0..<(outputs + 15) / 16, inputs: inputs, outputs: outputs,
          x: x,
          xStride: inputs, xRows: nil, rows: c.rows, leafWidth: leafWidth, leafCount: to - from,
          merges: merges,
          y: &y, yStride: outputs, rootStride: rootStride)
      }
    }
  }

  /// The reference itself is the plain chain, and tree roots completed over any split give the whole tree.
  @Test func splitLeavesCompleteToTheWholeTree() {
    var random = SeededRandom(seed: 5)
    let (leafCount, leafWidth, outputs) = (13, 6, 40)
    let inputs = leafCount * leafWidth - 3
    let rows = (0..<outputs).map { _ in random.floats(inputs, special: false) }
    let x = random.floats(inputs, special: false)
    let tree = CanonicalTree(leafCount: leafCount)
    let whole = roots(0..<leafCount)
    #expect(whole.count == outputs)
    for cut in 1..<leafCount {
      let ranges = [0..<cut, cut..<leafCount]
      let parts = ranges.map { roots($0) }
      let merges = tree.completion(of: ranges)
      for set in [.reference] + vectorSets {
        var y = [Float](repeating: 0, count: outputs)
        let all = parts.flatMap { $0 }
        all.withUnsafeBufferPointer { buffer in
          let pointers = merges.indices.map { buffer.baseAddress! + $0 * outputs }
          KernelTable(set).treeCombine(
            roots: pointers, merges: merges, rootCount: merges.count, rootStride: outputs, rows: 0..<1,
            columns: 0..<outputs, y: &y, yStride: outputs, residual: nil, residualStride: 0, bias: nil)
        }
        #expect(difference(y, whole) == nil, "cut at \(cut), \(set)")
      }
    }

    func roots(_ leaves: Range<Int>) -> [Float] {
      let columns = leaves.lowerBound * leafWidth..<min(inputs, leaves.upperBound * leafWidth)
      let weights = packed(rows.map { Array($0[columns]) }, inputs: columns.count, as: .bf16)
      let count = tree.roots(of: leaves).count
      var y = [Float](repeating: 0, count: count * outputs)
      KernelTable(.best).matmulLeaves(
        weights: weights, type: .bf16, panels: 0..<3, inputs: columns.count, outputs: outputs,
        x: Array(x[columns]), xStride: columns.count, xRows: nil, rows: 1, leafWidth: leafWidth,
        leafCount: leaves.count, merges: tree.merges(of: leaves), y: &y, yStride: outputs, rootStride: outputs
      )
      return y
    }
  }

  @Test(arguments: vectorSets)
  func treeCombineEqualsReference(_ set: InstructionSet) {
    for seed in UInt64(1)...20 {
      var random = SeededRandom(seed: seed)
      let leafCount = 1 + random.int(below: 16)
      let ranges = (0..<leafCount).map { $0..<$0 + 1 }
      let merges = CanonicalTree(leafCount: leafCount).completion(of: ranges)
      let (rows, width) = (1 + random.int(below: 4), 1 + random.int(below: 70))
      let stride = width + random.int(below: 5)
      let data = random.floats(leafCount * rows * stride)
      let bias: [Float]? = seed & 1 == 0 ? random.floats(width) : nil
      let start = random.floats(rows * stride)
      let columns = random.int(below: width)..<width
      var expected = start
      var got = start
      run(referenceTable, &expected)
      run(KernelTable(set), &got)
      #expect(difference(got, expected) == nil, "seed \(seed)")

      func run(_ table: KernelTable, _ y: inout [Float]) {
        let residual = y
        data.withUnsafeBufferPointer { buffer in
          let pointers = (0..<leafCount).map { buffer.baseAddress! + $0 * rows * stride }
          withOptional(bias) { bias in
            withOptional(seed % 3 == 0 ? nil : residual) { residual in
              table.treeCombine(
                roots: pointers, merges: merges, rootCount: leafCount, rootStride: stride, rows: 0..<rows,
                columns: columns, y: &y, yStride: stride, residual: residual, residualStride: stride,
                bias: bias)
            }
          }
        }
      }
    }
  }
}

/// A pointer to an array's elements, or nil.
func withOptional<T>(_ array: [T]?, _ body: (UnsafePointer<T>?) -> Void) {
  guard let array else { return body(nil) }
  array.withUnsafeBufferPointer { body($0.baseAddress) }
}
