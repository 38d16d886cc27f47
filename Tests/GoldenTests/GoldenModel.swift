import Foundation
import Parsing
import TestSupport

/// A reference model with its recorded prompts and results.
struct GoldenModel: Sendable {
  let name: String
  let directory: URL
  let prompts: [Prompt]

  struct Prompt: Sendable {
    let ids: [Int32]
    let greedy: [Int32]
    let margins: [Double]
    let lastLogits: [Float]
  }

  static let names = [
    "llama-gqa", "llama-tied", "llama-uneven", "mixtral", "qwen2", "qwen3", "qwen3-moe", "qwen3-moe-uneven",
    "gemma3-text", "tiny-llama", "tiny-qwen3-moe", "qwen2-moe", "glm4-moe", "dots1", "llama-dynamic",
    "llama-yarn",
    "mistral-linear", "qwen2-window",
  ]

  init(_ name: String) throws {
    self.name = name
    directory =
      switch name {
      case "tiny-llama": Fixtures.url("trained/tiny-llama")
      case "tiny-qwen3-moe":
        Fixtures.packageRoot.appendingPathComponent("Sources/meshdecode/Resources/\(name)")
      default: Fixtures.url("models/\(name)")
      }
    let golden = try JSONReader.parse(Fixtures.bytes("expected/\(name)/golden.json"))
    let tensors = try GoldenTensors(Fixtures.bytes("expected/\(name)/golden.safetensors"))
    prompts = (golden["prompts"]?.array ?? []).enumerated().map { index, prompt in
      Prompt(
        ids: (prompt["ids"]?.array ?? []).compactMap { $0.int.map(Int32.init) },
        greedy: (prompt["greedy"]?.array ?? []).compactMap { $0.int.map(Int32.init) },
        margins: (prompt["greedy_margins"]?.array ?? []).compactMap(\.double),
        lastLogits: tensors.floats("prompt.\(index).last_logits"))
    }
  }
}

/// The f32 tensors of a small safetensors file, read the plain way.
struct GoldenTensors {
  private let header: JSONValue
  private let bytes: [UInt8]
  private let dataStart: Int

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    header = try JSONReader.parse(Array(bytes[8..<8 + length]))
    dataStart = 8 + length
  }

  func floats(_ name: String) -> [Float] {
    guard let range = header[name]?["data_offsets"]?.array?.compactMap(\.int), range.count == 2 else {
      return []
    }
    return MeshHarness.floats(Array(bytes[dataStart + range[0]..<dataStart + range[1]]))
  }
}
