import Foundation
import ModelConfigs
import Parsing
import TestSupport
import Testing
import Topology
import Wire
import WorkerRuntime
import Workloads

@Suite("Bytes on the wire")
struct TrafficTests {
  private func sequences(_ model: GoldenModel) -> [KnownSequence] {
    (0..<5).map { index in
      KnownSequence(
        prompt: Array(model.prompts[index % 3].ids.prefix(2 + index)),
        continuation: Array(model.prompts[index % 3].greedy.prefix(2)))
    }
  }

  static let meshes: [MeshShape] = {
    let shapes = try? [
      MeshShape(tp: 2), MeshShape(tp: 3), MeshShape(ep: 2), MeshShape(ep: 2, tp: 2), MeshShape(attnDP: 2),
      MeshShape(attnDP: 3, tp: 2), MeshShape(attnDPExpert: 2), MeshShape(attnDP: 2, ep: 2),
      MeshShape(attnDP: 2, ep: 2, tp: 2), MeshShape(attnDP: 2, attnDPExpert: 2, ep: 2, tp: 2),
    ]
    return shapes ?? []
  }()

  /// Every step, operation by operation, and all steps against the counters of the links.
  @Test(
    "every operation of every step moves the bytes of its formula",
    arguments: ["llama-gqa", "mixtral", "qwen3-moe-uneven", "glm4-moe", "dots1"])
  func equalFormulas(name: String) throws {
    let model = try GoldenModel(name)
    let json = try JSONReader.parse([UInt8](Data(contentsOf: model.directory.appending(path: "config.json"))))
    let dimensions = ModelDimensions(try ModelConfig(json: json))
    var (steps, total) = (0, 0)
    for mesh in Self.meshes {
      let plan = try ShardPlan(model: dimensions, mesh: Mesh(mesh))
      for dispatch in ExpertDispatchMode.allCases {
        let shape = RunShape(mesh: mesh, dispatch: dispatch)
        let (traces, _, bytes) = try MeshHarness.traffic(
          model: model.directory, sequences: sequences(model), shape: shape)
        let recorded = Dictionary(grouping: traces) { $0.step.rawValue }.values.map {
          RecordedStep($0, plan: plan)
        }
        for step in recorded {
          for operation in step.operations {
            #expect(
              operation.bytes == operation.formulaBytes,
              "\(name), \(shape), \(step.step): \(operation.operation.name) of \(operation.layer ?? -1)")
          }
        }
        #expect(recorded.reduce(0) { $0 + $1.bytes } == bytes, "\(name), \(shape): bytes outside the records")
        // A dense model has nothing to move over attn_dp_expert alone.
        #expect(bytes > 0 || name == "llama-gqa")
        (steps, total) = (steps + recorded.count, total + bytes)
      }
    }
    print("\(name): \(steps) steps, \(total) bytes equal to the formulas")
  }

  @Test("expert loads are the same on every mesh and add up", arguments: ["mixtral", "glm4-moe"])
  func expertLoad(name: String) throws {
    let model = try GoldenModel(name)
    let sequences = sequences(model)
    let single = try MeshHarness.traffic(
      model: model.directory, sequences: sequences, shape: RunShape()
    ).load
    let rows = sequences.reduce(0) { $0 + $1.prompt.count + $1.continuation.count }
    let perToken = name == "mixtral" ? 2 : 3
    #expect(single.count == 3 * 8 && single.reduce(0, +) == UInt32(3 * perToken * rows))
    for mesh in Self.meshes {
      let load = try MeshHarness.traffic(
        model: model.directory, sequences: sequences, shape: RunShape(mesh: mesh)
      ).load
      #expect(load == single, "\(name), \(mesh)")
    }
  }

  /// A router whose bias sends every row to the same three experts, all on one rank of two.
  @Test("a batch that wants the same experts stays exact and within its buffers")
  func skewedBatch() throws {
    let model = try GoldenModel("glm4-moe")
    try withTemporaryDirectory { directory in
      let config = try Data(contentsOf: model.directory.appending(path: "config.json"))
      try config.write(to: directory.appending(path: "config.json"))
      var bytes = try [UInt8](Data(contentsOf: model.directory.appending(path: "model.safetensors")))
      try favour(experts: [0, 1, 2], in: &bytes)
      try Data(bytes).write(to: directory.appending(path: "model.safetensors"))
      try compareSkewed(directory, sequences(model))
    }
  }

  private func compareSkewed(_ directory: URL, _ sequences: [KnownSequence]) throws {
    let expected = try MeshHarness.logits(model: directory, sequences: sequences, shape: RunShape())
    let load = try MeshHarness.traffic(model: directory, sequences: sequences, shape: RunShape()).load
    let rows = UInt32(sequences.reduce(0) { $0 + $1.prompt.count + $1.continuation.count })
    #expect(load == Array(repeating: [rows, rows, rows, 0, 0, 0, 0, 0], count: 3).flatMap { $0 })
    for mesh in Self.meshes {
      for dispatch in [ExpertDispatchMode.allToAll, .allReduce] {
        let shape = RunShape(mesh: mesh, dispatch: dispatch)
        let actual = try MeshHarness.logits(model: directory, sequences: sequences, shape: shape)
        #expect(actual == expected, "\(shape)")
      }
    }
  }

  /// Raises the selection bias of some experts in all layers of a safetensors file.
  private func favour(experts: [Int], in bytes: inout [UInt8]) throws {
    let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    let header = try JSONReader.parse(Array(bytes[8..<8 + length]))
    let biases = (header.object?.members ?? []).filter { $0.key.hasSuffix("e_score_correction_bias") }
    #expect(biases.count == 3)
    for (_, tensor) in biases {
      let start = try #require(tensor["data_offsets"]?[0]?.int) + 8 + length
      for expert in experts {
        let bits = Float(100).bitPattern
        for byte in 0..<4 {
          bytes[start + 4 * expert + byte] = UInt8(truncatingIfNeeded: bits >> (8 * UInt32(byte)))
        }
      }
    }
  }
}
