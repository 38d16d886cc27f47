import Compute
import Tensors
import Testing
import Topology

@Suite struct QuantizedTests {
  struct Case: Sendable, CustomStringConvertible {
    var set: InstructionSet
    var format: WeightFormat
    var rows: Int
    var description: String { "\(set) \(format) T=\(rows)" }
  }

  static let cases: [Case] = vectorSets.flatMap { set in
    [WeightFormat.q8, .q4].flatMap { format in
      [0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 31, 37].map { Case(set: set, format: format, rows: $0) }
    }
  }

  /// A packed matrix made by one table from f32 rows; the buffer is filled first, so that what is left out
  /// shows.
  private func packed(
    _ rows: [[Float]], layout: QuantGroups, format: WeightFormat, by table: KernelTable
  ) -> [UInt8] {
    let count = PackedLayout.byteCount(
      rows: rows.count, columns: layout.columns, format: format, leafWidth: layout.leafWidth)
    var bytes = [UInt8](repeating: 0xA5, count: count)
    let flat = rows.flatMap { $0 }
    flat.withUnsafeBytes { source in
      let pointers: [UnsafeRawPointer?] = rows.indices.map { source.baseAddress! + $0 * layout.columns * 4 }
      bytes.withUnsafeMutableBytes { out in
        table.packQuantizedRows(
          rowPointers: pointers, sourceType: .f32, inputs: layout.columns, outputs: rows.count,
          blocks: 0..<(rows.count + 63) / 64, destination: out.baseAddress!, format: format,
          leafWidth: layout.leafWidth)
      }
    }
    return bytes
  }

  private func quantized(
    _ x: [Float], rows: Int, layout: QuantGroups, format: WeightFormat, by table: KernelTable
  )
    -> [UInt8]
  {
    var bytes = [UInt8](repeating: 0xA5, count: max(1, rows * layout.rowBytes))
    table.quantizeRows(
      x: x, xStride: layout.columns, rows: 0..<rows, layout: layout, groups: 0..<layout.count,
      zeroPoint: format.zeroPoint, y: &bytes)
    return bytes
  }

  private func layouts(_ random: inout SeededRandom) -> [QuantGroups] {
    [
      QuantGroups(columns: 1, leafWidth: 1), QuantGroups(columns: 32, leafWidth: 32),
      QuantGroups(columns: 100, leafWidth: 100), QuantGroups(columns: 96, leafWidth: 16),
      QuantGroups(columns: 240, leafWidth: 80), QuantGroups(columns: 200, leafWidth: 64),
      QuantGroups(columns: 33 + random.int(below: 300), leafWidth: 1 + random.int(below: 90)),
    ]
  }

  @Test(arguments: vectorSets, [WeightFormat.q8, .q4])
  func packingEqualsReference(_ set: InstructionSet, _ format: WeightFormat) {
    for seed in UInt64(1)...6 {
      var random = SeededRandom(seed: seed)
      for layout in layouts(&random) {
        var rows = (0..<1 + random.int(below: 140)).map { _ in random.floats(layout.columns) }
        if seed == 2 { rows[0][0] = .infinity }
        if seed == 3 { rows[0][layout.columns - 1] = .nan }
        if seed == 4 { rows[0][0] = .greatestFiniteMagnitude }
        let expected = packed(rows, layout: layout, format: format, by: referenceTable)
        let got = packed(rows, layout: layout, format: format, by: KernelTable(set))
        #expect(got == expected, "seed \(seed), \(layout), \(rows.count) rows")
      }
    }
  }

  @Test(arguments: vectorSets)
  func roundingEqualsReference(_ set: InstructionSet) {
    for seed in UInt64(1)...12 {
      var random = SeededRandom(seed: seed)
      for layout in layouts(&random) {
        var x = random.floats(3 * layout.columns)
        if seed == 2 { x[0] = -.infinity }
        if seed == 3 { x[x.count - 1] = .nan }
        let expected = quantized(x, rows: 3, layout: layout, format: .q8, by: referenceTable)
        let got = quantized(x, rows: 3, layout: layout, format: .q8, by: KernelTable(set))
        #expect(got == expected, "seed \(seed), \(layout)")
      }
    }
  }

  @Test(arguments: cases)
  func productEqualsReference(_ c: Case) {
    for seed in UInt64(1)...6 {
      var random = SeededRandom(seed: seed &* 131 &+ UInt64(c.rows))
      for layout in layouts(&random) {
        let outputs = 1 + random.int(below: 150)
        let rows = (0..<outputs).map { _ in random.floats(layout.columns) }
        let weights = packed(rows, layout: layout, format: c.format, by: referenceTable)
        let stored = c.rows + 3
        let x = quantized(
          random.floats(stored * layout.columns), rows: stored, layout: layout, format: c.format,
          by: referenceTable)
        let leaves = (layout.columns + layout.leafWidth - 1) / layout.leafWidth
        guard leaves <= 64 else { continue }
        let tree = CanonicalTree(leafCount: leaves)
        let roots = tree.roots(of: 0..<leaves).count
        let bias: [Float]? = leaves == 1 && seed & 1 == 0 ? random.floats(outputs) : nil
        let xRows: [Int32]? =
          seed % 3 == 0 ? (0..<c.rows).map { _ in Int32(random.int(below: stored)) } : nil
        let panels = (outputs + 15) / 16
        let first = random.int(below: panels)
        for range in [0..<panels, first..<panels, 0..<first] {
          let rootStride = max(1, c.rows) * outputs + 3
          var expected = [Float](repeating: 7, count: roots * rootStride)
          var got = expected
          run(referenceTable, &expected)
          run(KernelTable(c.set), &got)
          #expect(
            difference(got, expected) == nil, "seed \(seed), \(layout), N \(outputs), panels \(range), \(c)")

          func run(_ table: KernelTable, _ y: inout [Float]) {
            withOptional(bias) { bias in
              withOptional(xRows) { xRows in
                table.matmulQuantized(
                  weights: weights, format: c.format, panels: range, outputs: outputs, layout: layout, x: x,
                  xRows: xRows, rows: c.rows, leafCount: leaves, merges: tree.merges(of: 0..<leaves), y: &y,
                  yStride: outputs, rootStride: rootStride, bias: bias)
              }
            }
          }
        }
      }
    }
  }

  /// Both roundings together stay within what the formats promise, against double precision.
  @Test(arguments: [WeightFormat.q8, .q4])
  func productIsNearTheExactOne(_ format: WeightFormat) {
    var random = SeededRandom(seed: 77)
    let layout = QuantGroups(columns: 512, leafWidth: 512)
    let rows = (0..<16).map { _ in random.floats(512, special: false) }
    let x = random.floats(512, special: false)
    let weights = packed(rows, layout: layout, format: format, by: KernelTable(.best))
    let rounded = quantized(x, rows: 1, layout: layout, format: format, by: KernelTable(.best))
    var y = [Float](repeating: 0, count: 16)
    KernelTable(.best).matmulQuantized(
      weights: weights, format: format, panels: 0..<1, outputs: 16, layout: layout, x: rounded, xRows: nil,
      rows: 1, leafCount: 1, merges: [0], y: &y, yStride: 16, rootStride: 0, bias: nil)
    for n in 0..<16 {
      let exact = zip(rows[n], x).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      // Half a step of each weight (1/127 or 1/8 of the greatest) times 512 inputs, added up at random.
      let bound = (format == .q8 ? 0.5 / 127 : 0.5 / 8) * 0.6 * 22.6 * 4 + 0.3
      #expect(abs(Double(y[n]) - exact) < bound, "row \(n): \(y[n]) against \(exact)")
    }
  }
}
