import Compute
import Tensors
import Testing

@Suite struct PackingTests {
  @Test(arguments: vectorSets, [DType.bf16, .f16, .f32])
  func packRowsEqualsReference(_ set: InstructionSet, _ source: DType) {
    for destination in [DType.bf16, .f32] {
      for inputs in [1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 127, 128, 129, 260] {
        for outputs in [1, 16, 17, 64, 65, 100, 140] {
          var random = SeededRandom(seed: UInt64(inputs * 1000 + outputs))
          // Every bit pattern may appear in a checkpoint, infinities and NaN included.
          let bytes = (0..<outputs * inputs * source.byteCount + 8).map { _ in
            UInt8(truncatingIfNeeded: random.next())
          }
          let panels = (outputs + 15) / 16
          let depth = destination == .bf16 ? (inputs + 1) / 2 : inputs
          let holes = Set((0..<outputs).filter { _ in random.int(below: 10) == 0 })
          var results: [[UInt32]] = []
          bytes.withUnsafeBytes { base in
            let pointers: [UnsafeRawPointer?] = (0..<outputs).map {
              holes.contains($0) ? nil : base.baseAddress! + 2 + $0 * inputs * source.byteCount
            }
            for table in [referenceTable, KernelTable(set)] {
              var words = [UInt32](repeating: 5, count: panels * 16 * depth)
              words.withUnsafeMutableBytes { out in
                for block in 0..<(panels + 3) / 4 {
                  table.packRows(
                    rowPointers: pointers, sourceType: source, inputs: inputs, outputs: outputs,
                    blocks: block..<block + 1, destination: out.baseAddress!, destinationType: destination)
                }
              }
              results.append(words)
            }
          }
          #expect(results[0] == results[1], "\(source) to \(destination), K \(inputs), N \(outputs)")
        }
      }
    }
  }

  @Test(arguments: [InstructionSet.reference] + vectorSets, [DType.bf16, .f32])
  func embedGivesTheRow(_ set: InstructionSet, _ type: DType) {
    for (inputs, outputs) in [(1, 1), (33, 17), (64, 64), (31, 100), (16, 130)] {
      var random = SeededRandom(seed: UInt64(inputs + outputs))
      let rows = (0..<outputs).map { _ in random.floats(inputs).map { BFloat16($0).float } }
      let weights = packed(rows, inputs: inputs, as: type)
      let tokens = (0..<9).map { _ in Int32(random.int(below: outputs + 1)) - 1 }
      let stride = inputs + 2
      var y = [Float](repeating: 4, count: 9 * stride)
      KernelTable(set).embed(
        weights: weights, type: type, inputs: inputs, outputs: outputs, tokens: tokens, rows: 0..<9, y: &y,
        yStride: stride)
      for t in 0..<9 {
        let expected =
          tokens[t] < 0 ? [Float](repeating: 0, count: inputs) : rows[Int(tokens[t])].map { $0 + 0 }
        #expect(
          difference(Array(y[t * stride..<t * stride + inputs]), expected) == nil,
          "token \(tokens[t]) of \(outputs)")
        #expect(y[t * stride + inputs] == 4)
      }
    }
  }

  @Test func checksumsAgree() {
    var random = SeededRandom(seed: 4)
    let bytes = (0..<300).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    for set in [.reference] + vectorSets {
      let table = KernelTable(set)
      #expect(table.crc32c(Array("123456789".utf8), count: 9, crc: 0) == 0xE306_9283)
      for count in 0..<300 {
        let whole = table.crc32c(bytes, count: count, crc: 0)
        #expect(whole == referenceTable.crc32c(bytes, count: count, crc: 0))
        let first = table.crc32c(bytes, count: count / 3, crc: 0)
        #expect(
          table.crc32c(Array(bytes.dropFirst(count / 3)), count: count - count / 3, crc: first) == whole)
      }
    }
  }
}
