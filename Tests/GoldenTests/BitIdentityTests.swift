import Compute
import Testing
import Topology
import WorkerRuntime

@Suite("The same bits everywhere")
struct BitIdentityTests {
  /// Dense with rope scaling and grouped heads; experts with uneven sizes and a dense layer between; shared
  /// experts with a gate, and with groups of experts, a selection bias and partial rotation.
  static let models = [
    "llama-gqa", "qwen3-moe-uneven", "qwen3-moe", "mixtral", "qwen2-moe", "glm4-moe", "dots1",
  ]

  private func sequences(_ model: GoldenModel, count: Int) -> [KnownSequence] {
    (0..<count).map { index in
      let prompt = model.prompts[index % model.prompts.count]
      return KnownSequence(
        prompt: Array(prompt.ids.prefix(40 + index)), continuation: Array(prompt.greedy.prefix(3)))
    }
  }

  private func bits(_ logits: [[[Float]]]) -> [[[UInt32]]] { logits.map { $0.map { $0.map(\.bitPattern) } } }

  /// Compares each shape's logits with those of one rank, one thread, whole prompts.
  private func compare(_ name: String, count: Int, shapes: [RunShape]) throws {
    let model = try GoldenModel(name)
    let sequences = sequences(model, count: count)
    let expected = bits(
      try MeshHarness.logits(model: model.directory, sequences: sequences, shape: RunShape()))
    for shape in shapes {
      let actual = bits(try MeshHarness.logits(model: model.directory, sequences: sequences, shape: shape))
      #expect(actual == expected, "\(name): \(shape)")
    }
  }

  @Test("tensor parallel degrees, dividing or not", arguments: models)
  func tensorParallel(name: String) throws {
    let heads = name == "qwen2-moe" ? 4 : 6
    let degrees = (2...6).filter { $0 <= heads }
    try compare(name, count: 3, shapes: try degrees.map { RunShape(mesh: try MeshShape(tp: $0)) })
  }

  @Test("shares by weight, some of them nearly nothing", arguments: models)
  func unevenShares(name: String) throws {
    var shapes = [
      RunShape(mesh: try MeshShape(tp: 3), balance: [1, 2, 1]),
      RunShape(mesh: try MeshShape(tp: 2), balance: [1, 9]),
      RunShape(mesh: try MeshShape(tp: 4), balance: [40, 1, 1, 40]),
      RunShape(mesh: try MeshShape(attnDP: 2, tp: 2), balance: [3, 1, 1, 2]),
      RunShape(mesh: try MeshShape(dp: 2, tp: 2), balance: [1, 3, 1, 3]),
    ]
    if name != "llama-gqa" {
      for dispatch in [ExpertDispatchMode.allToAll, .allReduce] {
        shapes.append(
          RunShape(mesh: try MeshShape(ep: 2, tp: 2), dispatch: dispatch, balance: [1, 2, 2, 5]))
        shapes.append(
          RunShape(mesh: try MeshShape(attnDPExpert: 2, tp: 2), dispatch: dispatch, balance: [1, 1, 4, 2]))
      }
    }
    try compare(name, count: 3, shapes: shapes)
  }

  @Test("eight ranks", arguments: ["llama-gqa", "mixtral"])
  func eightRanks(name: String) throws {
    try compare(name, count: 3, shapes: [RunShape(mesh: try MeshShape(tp: 8))])
  }

  @Test("batch, prefill chunk, threads, page size", arguments: models)
  func batchAndChunks(name: String) throws {
    var shapes = [1, 7, 64].map { RunShape(prefillChunk: $0) }
    shapes.append(RunShape(threads: 2))
    shapes.append(RunShape(mesh: try MeshShape(tp: 2), threads: 2, prefillChunk: 7, pageSlots: 64))
    try compare(name, count: 16, shapes: shapes)
    let model = try GoldenModel(name)
    let all = sequences(model, count: 16)
    let batch = bits(try MeshHarness.logits(model: model.directory, sequences: all, shape: RunShape()))
    for index in [0, 5, 15] {
      let alone = try MeshHarness.logits(model: model.directory, sequences: [all[index]], shape: RunShape())
      #expect(bits(alone)[0] == batch[index], "\(name): sequence \(index) alone")
    }
  }

  @Test("instruction sets", arguments: models)
  func instructionSets(name: String) throws {
    let sets = InstructionSet.allCases.filter(\.isAvailable)
    print("instruction sets compared: \(sets.map(\.rawValue).joined(separator: ", "))")
    try compare(name, count: 2, shapes: sets.map { RunShape(instructionSet: $0) })
  }

  @Test("every axis of the mesh, alone and together", arguments: models)
  func wholeMesh(name: String) throws {
    let meshes = [
      try MeshShape(ep: 2), try MeshShape(ep: 3), try MeshShape(ep: 2, tp: 2), try MeshShape(attnDP: 2),
      try MeshShape(attnDP: 3), try MeshShape(attnDPExpert: 2), try MeshShape(attnDP: 2, ep: 2),
      try MeshShape(attnDP: 2, ep: 2, tp: 2), try MeshShape(attnDP: 2, attnDPExpert: 2, tp: 2),
      try MeshShape(attnDP: 2, attnDPExpert: 2, ep: 1, tp: 3),
    ]
    let heads = name == "qwen2-moe" ? 4 : 6
    let shapes = meshes.filter { $0.ep * $0.tp <= heads }.flatMap { mesh in
      [ExpertDispatchMode.allToAll, .allReduce].map { RunShape(mesh: mesh, dispatch: $0) }
    }
    try compare(name, count: 5, shapes: shapes)
  }

  /// Every mesh of up to 16 ranks with tp 1-4, ep 1-4, attn_dp 1-3, attn_dp_expert 1-2 and dp 1-2 that has a
  /// head and an expert for each rank that needs one.
  private static func grid(heads: Int, experts: Int) throws -> [MeshShape] {
    var meshes: [MeshShape] = []
    for dp in 1...2 {
      for attnDP in 1...3 {
        for attnDPExpert in 1...2 {
          for ep in 1...4 {
            for tp in 1...4 where ep * tp <= heads && attnDPExpert * ep <= experts {
              guard dp * attnDP * attnDPExpert * ep * tp <= 16 else { continue }
              meshes.append(try MeshShape(dp: dp, attnDP: attnDP, attnDPExpert: attnDPExpert, ep: ep, tp: tp))
            }
          }
        }
      }
    }
    return meshes
  }

  @Test(
    "the whole grid of meshes up to 16 ranks, both ways to the experts",
    arguments: [("mixtral", 8), ("glm4-moe", 6)])
  func grid(name: String, heads: Int) throws {
    let model = try GoldenModel(name)
    let sequences = (0..<7).map { index in
      KnownSequence(
        prompt: Array(model.prompts[index % 3].ids.prefix(3 + index)),
        continuation: Array(model.prompts[index % 3].greedy.prefix(2)))
    }
    let meshes = try Self.grid(heads: heads, experts: 8)
    let expected = bits(
      try MeshHarness.logits(model: model.directory, sequences: sequences, shape: RunShape()))
    var compared = 0
    for mesh in meshes {
      for dispatch in [ExpertDispatchMode.allToAll, .allReduce] {
        let shape = RunShape(mesh: mesh, dispatch: dispatch)
        let actual = bits(
          try MeshHarness.logits(model: model.directory, sequences: sequences, shape: shape))
        #expect(actual == expected, "\(name): \(shape)")
        compared += 1
      }
    }
    print("\(name): \(compared) runs on \(meshes.count) meshes compared to the bit")
  }

  @Test("sixteen ranks", arguments: ["mixtral", "qwen3-moe"])
  func sixteenRanks(name: String) throws {
    let mesh = try MeshShape(attnDP: 2, attnDPExpert: 2, ep: 2, tp: 2)
    try compare(
      name, count: 5,
      shapes: [RunShape(mesh: mesh, prefillChunk: 7), RunShape(mesh: mesh, dispatch: .allReduce)])
  }
}
