import Foundation
import Parsing
import TestSupport
import Testing

/// Commands that read lines and write lines.
@Suite struct FilterTests {
  @Test func translateAnswersEveryLine() async throws {
    let input = """
      {"kind": "sharding", "parallel": {"tensor_parallel_size": 4}, "model": {"total_num_kv_heads": 8, \
      "head_size": 128, "dtype": "bfloat16"}}

      not json
      {"kind": "model", "tp": 4, "ep": 1, "attn_dp": 1, "num_lanes": 128, "load_format": "auto", \
      "hf": {"nested": false, "fields": {"num_key_value_heads": 2}}}
      """
    let outcome = try await ProcessHarness.run(["translate"], input: input)
    #expect(outcome.exitCode == 0)
    #expect(outcome.standardError == "")
    let answers = try outcome.standardOutput.split(separator: "\n").map { try JSONReader.parse(String($0)) }
    try #require(answers.count == 3)
    #expect(answers[0]["total_devices"]?.int == 4)
    #expect(answers[1]["error"]?.string != nil)
    #expect(answers[2]["overrides"]?["base_num_kv_heads"]?.int == 4)
  }

  @Test func renderChatUsesTheBundledModelOrATemplate() async throws {
    let line = #"{"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": true}"# + "\n"
    let bundled = try await ProcessHarness.run(["render-chat"], input: line)
    #expect(bundled.exitCode == 0, "\(bundled.standardError)")
    let text = try JSONReader.parse(bundled.standardOutput).string ?? ""
    #expect(text.contains("Hi"))

    try await withTemporaryDirectory { directory in
      let file = directory.appendingPathComponent("t.jinja")
      try Data("{{ messages[0].content }}!".utf8).write(to: file)
      let own = try await ProcessHarness.run(["render-chat", "--template", file.path], input: line + "{}\n")
      let answers = own.standardOutput.split(separator: "\n")
      #expect(answers.first == "\"Hi!\"")
      #expect(answers.last?.hasPrefix("{\"error\":") == true)
    }
  }

  @Test func missingTemplatesAreAFailureInOneSentence() async throws {
    let outcome = try await ProcessHarness.run(["render-chat", "--template", "/no/such/file"])
    #expect(outcome.exitCode == 1)
    #expect(
      outcome.standardError == "error: /no/such/file cannot be read; give --template an existing file\n")
  }
}

/// Texts to ids and back, with the bundled model's tokenizer.
@Suite struct TokenizeTests {
  @Test func textsComeBackFromTheirIDs() async throws {
    let texts = ["Hello, world", "na\u{EF}ve \u{1F600}\n", ""]
    let input = texts.map { JSONWriter.string(.string($0)) + "\n" }.joined()
    let ids = try await ProcessHarness.run(["tokenize", "--no-special-tokens"], input: input)
    #expect(ids.exitCode == 0, "\(ids.standardError)")
    let back = try await ProcessHarness.run(["detokenize"], input: ids.standardOutput)
    #expect(back.standardOutput == input)
  }

  @Test func badLinesAreAnsweredAndDoNotEndTheRun() async throws {
    let outcome = try await ProcessHarness.run(["tokenize"], input: "17\n\"a\"\n")
    let answers = outcome.standardOutput.split(separator: "\n")
    #expect(answers.count == 2)
    #expect(answers.first?.hasPrefix("{\"error\"") == true)
    #expect(answers.last?.hasPrefix("[") == true)
    #expect(outcome.exitCode == 0)
  }

  @Test func aModelWithoutATokenizerIsRefused() async throws {
    let outcome = try await ProcessHarness.run(["tokenize", "--model", "/no/such/model"])
    #expect(outcome.exitCode == 1)
    #expect(outcome.standardError.hasPrefix("error: "))
    #expect(outcome.standardError.split(separator: "\n").count == 1)
  }
}
