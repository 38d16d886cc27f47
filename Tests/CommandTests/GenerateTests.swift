import Foundation
import Parsing
import TestSupport
import Testing

/// The whole path with the bundled model: text in, text out, the same on every mesh.
///
/// `bundled_text_prompts.json` holds greedy continuations of a float32 reference implementation.
@Suite(.serialized) struct GenerateTests {
  private struct TextPrompt: Decodable {
    let text: String
    let ids: [Int64]
    let greedy: [Int64]
    let decoded: String
    let stops: Bool
  }

  private static func prompts() throws -> [TextPrompt] {
    let file = Fixtures.packageRoot.appendingPathComponent(
      "Tests/GoldenTests/Fixtures/bundled_text_prompts.json")
    return try JSONDecoder().decode([TextPrompt].self, from: Data(contentsOf: file))
  }

  private static func outputs(_ arguments: [String]) async throws -> [JSONValue] {
    let outcome = try await ProcessHarness.run(
      ["generate", "--pulse-milliseconds", "10000"] + arguments + ["--output", "json"])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(outcome.standardError == "")
    return try JSONReader.parse(outcome.standardOutput)["outputs"]?.array ?? []
  }

  @Test(arguments: [
    ["--tp", "1"], ["--tp", "2"], ["--ep", "2", "--expert-dispatch", "all-to-all"], ["--attn-dp", "2"],
  ])
  func everyMeshWritesTheReferenceText(mesh: [String]) async throws {
    let prompts = try Self.prompts()
    try await withTemporaryDirectory { directory in
      let file = directory.appendingPathComponent("prompts.jsonl")
      let lines = prompts.map { "{\"prompt\": \(JSONWriter.string(.string($0.text)))}\n" }
      try Data(lines.joined().utf8).write(to: file)
      let outputs = try await Self.outputs(
        ["--prompts-file", file.path, "--max-tokens", "48", "--kv-cache-dtype", "f32"] + mesh)
      #expect(outputs.count == prompts.count)
      for (output, prompt) in zip(outputs, prompts) {
        #expect(output["prompt_token_ids"]?.array?.compactMap(\.int) == prompt.ids.map { Int($0) })
        #expect(output["token_ids"]?.array?.compactMap(\.int) == prompt.greedy.map { Int($0) })
        #expect(output["text"]?.string == prompt.decoded)
        #expect(output["finish_reason"]?.string == (prompt.stops ? "stop" : "length"))
      }
    }
  }

  @Test func drawnAnswersAreTheSameOnEveryMesh() async throws {
    let flags = [
      "--prompt", "Elizabeth looked at", "--max-tokens", "12", "--temperature", "0.9", "--top-k", "50", "--n",
      "3", "--sampling-seed", "7", "--logprobs", "3",
    ]
    let single = try await Self.outputs(flags)
    let mesh = try await Self.outputs(flags + ["--tp", "3"])
    #expect(single.count == 3)
    #expect(Set(single.map { $0["text"]?.string }).count == 3)
    #expect(single.map { JSONWriter.string($0) } == mesh.map { JSONWriter.string($0) })
    for output in single {
      let tops = output["logprobs"]?.array?.compactMap {
        $0["top"]?.array?.compactMap { $0["logprob"]?.double }
      }
      #expect(tops?.count == output["token_ids"]?.array?.count)
      for top in tops ?? [] { #expect(top.count == 3 && top == top.sorted(by: >)) }
    }
  }

  @Test("--numerics fast has bits of its own, the same on every mesh")
  func fastAnswersAreTheSameOnEveryMesh() async throws {
    let flags = ["--prompt", "Elizabeth looked at", "--max-tokens", "24", "--logprobs", "3"]
    let fast = flags + ["--numerics", "fast"]
    let single = try await Self.outputs(fast).map { JSONWriter.string($0) }
    #expect(
      try await Self.outputs(fast + ["--tp", "2", "--ep", "2"]).map { JSONWriter.string($0) } == single)
    #expect(try await Self.outputs(flags).map { JSONWriter.string($0) } != single)
  }

  @Test func stopStringsAreNeverShown() async throws {
    let prompt = try #require(try Self.prompts().first { !$0.stops })
    let words = prompt.decoded.split(separator: " ")
    // From the middle of one word into the next.
    let stop = words[3].suffix(1) + " " + words[4].prefix(1)
    let before = try #require(prompt.decoded.range(of: stop)).lowerBound
    let outcome = try await ProcessHarness.run(
      [
        "generate", "--prompt", prompt.text, "--max-tokens", "48", "--kv-cache-dtype", "f32", "--stop",
        String(stop),
      ])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(outcome.standardOutput == prompt.text + prompt.decoded[..<before] + "\n")
    #expect(outcome.standardError.contains("tokens/s"))
  }
}
