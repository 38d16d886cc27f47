import Checkpoints
import Tensors
import TestSupport
import Testing

private func elements(
  _ source: SyntheticWeights, _ tensor: CheckpointTensor, _ rows: Range<Int>, _ columns: Range<Int>
) throws -> [Float] {
  let found = try source.resolve(tensor)
  return source.withRows(found, rows: rows, columns: columns) { block in
    var values: [Float] = []
    for row in 0..<block.rows {
      for column in 0..<block.columns { values.append(block.element(row, column)) }
    }
    return values
  }
}

@Test("dummy weights do not depend on how a tensor is cut", arguments: [DType.bf16, .f32])
func independentOfSlicing(dtype: DType) throws {
  var random = SeededGenerator(seed: 11)
  for (rows, columns) in [(1, 1), (1, 17), (5, 8), (7, 33), (64, 31)] {
    let source = SyntheticWeights(seed: 42, dtype: dtype)
    let tensor = CheckpointTensor("model.layers.3.mlp.up_proj.weight", shape: [rows, columns])
    let whole = try elements(source, tensor, 0..<rows, 0..<columns)
    for round in 0..<40 {
      let r0 = Int.random(in: 0..<rows, using: &random)
      let r1 = Int.random(in: r0 + 1...rows, using: &random)
      let c0 = Int.random(in: 0..<columns, using: &random)
      let c1 = Int.random(in: c0 + 1...columns, using: &random)
      let part = try elements(source, tensor, r0..<r1, c0..<c1)
      let expected = (r0..<r1).flatMap { row in whole[row * columns + c0..<row * columns + c1] }
      #expect(part == expected, "seed 11, round \(round): rows \(r0)..<\(r1), columns \(c0)..<\(c1)")
    }
  }
}

@Test("dummy weights differ by seed and name, and have the deviation promised")
func statistics() throws {
  let tensor = CheckpointTensor("model.layers.0.self_attn.q_proj.weight", shape: [256, 400])
  let source = SyntheticWeights(seed: 1, dtype: .f32)
  let values = try elements(source, tensor, 0..<256, 0..<400)
  let mean = values.reduce(0, +) / Float(values.count)
  let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
  #expect(abs(mean) < 0.001 && abs(variance.squareRoot() - 0.05) < 0.0005)
  #expect(
    try elements(SyntheticWeights(seed: 2, dtype: .f32), tensor, 0..<1, 0..<400) != Array(values[..<400]))
  let other = CheckpointTensor("model.layers.1.self_attn.q_proj.weight", shape: [256, 400])
  #expect(try elements(source, other, 0..<1, 0..<400) != Array(values[..<400]))
  let bf16 = try elements(SyntheticWeights(seed: 1, dtype: .bf16), tensor, 0..<1, 0..<400)
  #expect(bf16 == values[..<400].map { BFloat16($0).float })
}

@Test("dummy weights are these very numbers on every machine")
func pinned() throws {
  let tensor = CheckpointTensor("model.layers.0.self_attn.q_proj.weight", shape: [4, 4])
  let values = try elements(SyntheticWeights(seed: 0, dtype: .bf16), tensor, 0..<4, 0..<4)
  #expect(values == pinnedValues)
}

@Test("norms are neutral")
func norms() throws {
  let norm = CheckpointTensor("model.layers.0.input_layernorm.weight", shape: [5])
  #expect(try elements(SyntheticWeights(seed: 9, dtype: .bf16), norm, 0..<1, 0..<5) == [1, 1, 1, 1, 1])
  let zero = SyntheticWeights(seed: 9, dtype: .bf16, normWeight: 0)
  #expect(try elements(zero, norm, 0..<1, 1..<3) == [0, 0])
  let bias = CheckpointTensor("model.layers.0.self_attn.q_proj.bias", shape: [2000])
  let values = try elements(SyntheticWeights(seed: 9, dtype: .f32), bias, 0..<1, 0..<2000)
  let deviation = (values.reduce(0) { $0 + $1 * $1 } / 2000).squareRoot()
  #expect(abs(deviation - 0.02) < 0.002)
}

/// Computed by another implementation of the same definition.
private let pinnedValues: [Float] = [
  -0.64453125, -0.333984375, 0.490234375, 0, 0.47265625, -0.703125, -0.439453125, 0.59765625, 0.98828125,
  -0.3984375, -0.1552734375, 0.58203125, -0.54296875, -0.1015625, -0.55078125, 0.384765625,
]
