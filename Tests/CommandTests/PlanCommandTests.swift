import Foundation
import Parsing
import TestSupport
import Testing

@Suite struct PlanCommandTests {
  private func plan(_ arguments: [String]) async throws -> ProcessOutcome {
    try await ProcessHarness.run(["plan"] + arguments)
  }

  @Test func printsAPageForTheBundledModel() async throws {
    let outcome = try await plan(["--tp", "2"])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(outcome.standardOutput.hasPrefix("Qwen3MoeForCausalLM on 2 ranks"))
  }

  @Test func printsOneDocument() async throws {
    let outcome = try await plan(["--tensor-parallel-size", "2", "--ep", "2", "--output", "json"])
    let document = try JSONReader.parse(outcome.standardOutput)
    #expect(document["mesh"]?["world_size"]?.int == 4)
    #expect(document["ranks"]?.array?.count == 4)
    #expect(outcome.standardError == "")
  }

  @Test func theCommandLineWinsOverTheFile() async throws {
    try await withTemporaryDirectory { directory in
      let file = directory.appendingPathComponent("run.yaml")
      try Data("tp: 3\noutput: json\n".utf8).write(to: file)
      let fromFile = try await plan(["--config", file.path])
      #expect(try JSONReader.parse(fromFile.standardOutput)["mesh"]?["tp"]?.int == 3)
      let fromBoth = try await plan(["--config", file.path, "--tp", "2"])
      #expect(try JSONReader.parse(fromBoth.standardOutput)["mesh"]?["tp"]?.int == 2)
    }
  }

  @Test func vLLMsFormIsTakenVerbatim() async throws {
    let form = #"{"sharding": {"sharding_strategy": {"enable_dp_attention": true, "attn_dp_size": 2}}}"#
    let outcome = try await plan(["--tp", "2", "--additional-config", form, "--output", "json"])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let mesh = try JSONReader.parse(outcome.standardOutput)["mesh"]
    #expect(mesh?["attn_dp"]?.int == 2)
    #expect(mesh?["tp"]?.int == 1)
  }

  @Test(arguments: [
    (["--tp", "0"], 2, "--tensor-parallel-size cannot be '0'; give a number in the range 1 to 1024."),
    (["--tp", "7"], 2, "6 query heads"),
    (["--tpp", "2"], 2, "Unknown option '--tpp'"),
    (["--tp"], 2, "Missing value for '--tp"),
    (["--model", "/no/such/model"], 1, "/no/such/model/config.json does not exist; give --model"),
    (["--config", "/no/such.yaml"], 2, "--config /no/such.yaml cannot be read"),
    (["--additional-config", "{"], 2, "--additional-config is no JSON object"),
    (["--hf-overrides", "{\"vocab_size\": -1}"], 2, "vocab_size"),
    (["--num-lanes", "-3"], 2, "--num-lanes cannot be '-3'"),
    (["--output", "yaml"], 2, "--output cannot be 'yaml'; choose one of text, json"),
    (["unexpected"], 2, "unexpected"),
  ])
  func badInputsGetOneSentenceAndTheirCode(arguments: [String], code: Int32, words: String) async throws {
    let outcome = try await plan(arguments)
    #expect(outcome.exitCode == code)
    #expect(outcome.standardError.contains(words), "\(outcome.standardError)")
    #expect(outcome.standardError.split(separator: "\n").count == 1, "\(outcome.standardError)")
    #expect(outcome.standardOutput == "")
  }
}
