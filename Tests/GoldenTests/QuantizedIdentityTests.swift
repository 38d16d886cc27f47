import Compute
import Tensors
import Testing
import Topology
import WorkerRuntime

@Suite("The same bits everywhere with rounded weights, activations and caches")
struct QuantizedIdentityTests {
  static let models = ["llama-gqa", "llama-uneven", "qwen3-moe-uneven", "mixtral"]

  private func sequences(_ model: GoldenModel, count: Int) -> [KnownSequence] {
    (0..<count).map { index in
      let prompt = model.prompts[index % model.prompts.count]
      return KnownSequence(
        prompt: Array(prompt.ids.prefix(30 + index)), continuation: Array(prompt.greedy.prefix(3)))
    }
  }

  private func bits(_ name: String, _ sequences: [KnownSequence], _ shape: RunShape) throws -> [[[UInt32]]] {
    let logits = try MeshHarness.logits(
      model: try GoldenModel(name).directory, sequences: sequences, shape: shape)
    return logits.map { $0.map { $0.map(\.bitPattern) } }
  }

  @Test("a cache of bytes", arguments: ["llama-gqa", "qwen3-moe-uneven"])
  func byteCache(name: String) throws {
    let sequences = sequences(try GoldenModel(name), count: 5)
    var base = RunShape()
    base.kvFormat = .q8
    let expected = try bits(name, sequences, base)
    var shapes = [
      RunShape(mesh: try MeshShape(tp: 3)), RunShape(mesh: try MeshShape(attnDP: 2, ep: 2), prefillChunk: 7),
      RunShape(threads: 2, prefillChunk: 1, pageSlots: 48),
    ]
    shapes += InstructionSet.allCases.filter(\.isAvailable).map { RunShape(instructionSet: $0) }
    for shape in shapes {
      var shape = shape
      shape.kvFormat = .q8
      #expect(try bits(name, sequences, shape) == expected, "\(name): \(shape)")
    }
  }

  @Test(
    "meshes, threads, chunks and instruction sets", arguments: models, [Quantization.q8, .q4, .bf16Dots])
  func everyShape(name: String, quantization: Quantization) throws {
    let sequences = sequences(try GoldenModel(name), count: 6)
    var shapes: [RunShape] = []
    for degree in [2, 3, 5] { shapes.append(RunShape(mesh: try MeshShape(tp: degree))) }
    shapes.append(RunShape(mesh: try MeshShape(tp: 2), threads: 2, prefillChunk: 7, pageSlots: 64))
    shapes.append(RunShape(threads: 3, prefillChunk: 1))
    for mesh in [
      try MeshShape(ep: 2, tp: 2), try MeshShape(attnDP: 2, ep: 2),
      try MeshShape(attnDP: 2, attnDPExpert: 2, tp: 2),
    ] {
      shapes.append(RunShape(mesh: mesh, dispatch: .allToAll))
      shapes.append(RunShape(mesh: mesh, dispatch: .allReduce))
    }
    shapes += InstructionSet.allCases.filter(\.isAvailable).map { RunShape(instructionSet: $0) }
    var base = RunShape()
    base.quantization = quantization
    let expected = try bits(name, sequences, base)
    for shape in shapes {
      var shape = shape
      shape.quantization = quantization
      #expect(try bits(name, sequences, shape) == expected, "\(name): \(shape)")
    }
    let alone = try bits(name, [sequences[4]], base)
    #expect(alone[0] == expected[4], "\(name): one sequence alone")
  }
}
