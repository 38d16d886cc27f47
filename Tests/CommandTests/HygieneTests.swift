import Foundation
import Parsing
import TestSupport
import Testing

/// Ends that are neither success nor failure: signals, deadlines, queues that are full.
@Suite(.serialized) struct HygieneTests {
  private static let stream = ["generate", "--prompt", "Once upon", "--tp", "2", "--ignore-eos"]

  /// With time to drain, what runs is finished after SIGTERM, and the run is a success.
  @Test func aDrainFinishesWhatRuns() async throws {
    let arguments = Self.stream + ["--max-tokens", "300"]
    let whole = try await ProcessHarness.run(arguments).standardOutput
    let outcome = try await ProcessHarness.withProcess(arguments + ["--drain-timeout-seconds", "60"]) {
      running in
      try await running.wait { $0.standardOutput.utf8.count > 60 }
      running.send(SIGTERM)
    }
    #expect(outcome.ending == .exited(0), "\(outcome.standardError)")
    #expect(outcome.standardOutput == whole)
    #expect(outcome.standardError.contains("nothing new is begun"))
  }

  /// The second signal does not wait for the drain.
  @Test func aSecondSignalEndsADrain() async throws {
    try await withTemporaryDirectory { base in
      let arguments =
        Self.stream + ["--max-tokens", "500", "--drain-timeout-seconds", "60", "--run-directory", base.path]
      let outcome = try await ProcessHarness.withProcess(arguments) { running in
        try await running.wait { $0.standardOutput.utf8.count > 60 }
        running.send(SIGTERM)
        try await running.wait { $0.standardError.contains("nothing new is begun") }
        running.send(SIGTERM)
      }
      #expect(outcome.ending == .exited(128 + SIGTERM), "\(outcome.standardError)")
      #expect(try await Leaks.remaining(in: base) == [])
    }
  }

  /// Stopped at a token, gone on with later: together the run without the stop.
  @Test(arguments: [SIGTERM, SIGINT]) func aStoppedRunGoesOn(signal: Int32) async throws {
    try await withTemporaryDirectory { base in
      let journal = base.appendingPathComponent("run.journal").path
      let job = Self.stream + ["--max-tokens", "400"]
      let whole = try await ProcessHarness.run(job).standardOutput
      let first = try await ProcessHarness.withProcess(job + ["--journal", journal]) { running in
        try await running.wait { $0.standardOutput.utf8.count > 100 }
        running.send(signal)
      }
      #expect(first.ending == .exited(128 + signal))
      #expect(first.standardError.contains("--resume"), "\(first.standardError)")
      let second = try await ProcessHarness.run(["generate", "--journal", journal, "--resume", "--tp", "2"])
      #expect(first.standardOutput + second.standardOutput == whole, "\(second.standardError)")
    }
  }

  @Test func aDeadlineEndsAnAnswerWithWhatItHas() async throws {
    let outcome = try await ProcessHarness.run(
      Self.stream + ["--max-tokens", "500", "--request-timeout-seconds", "0.1", "--output", "json"])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let output = try JSONReader.parse(Array(outcome.standardOutput.utf8))["outputs"]?.array?.first
    #expect(output?["finish_reason"]?.string == "abort")
    #expect((output?["token_ids"]?.array?.count ?? 500) < 500)
    #expect(outcome.standardError.contains("--request-timeout-seconds"))
  }

  /// More prompts than the queue takes are handed in as room is made.
  @Test func aShortQueueTakesManyPrompts() async throws {
    try await withTemporaryDirectory { base in
      let file = base.appendingPathComponent("prompts.jsonl")
      let lines = (0..<600).map { "{\"prompt_token_ids\": [\($0 + 3), 5]}" }
      try Data(lines.joined(separator: "\n").utf8).write(to: file)
      let outcome = try await ProcessHarness.run([
        "generate", "--prompts-file", file.path, "--max-tokens", "2", "--max-queued-requests", "256",
        "--output", "json",
      ])
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      let outputs = try JSONReader.parse(Array(outcome.standardOutput.utf8))["outputs"]?.array ?? []
      #expect(outputs.count == 600 && outputs.allSatisfy { $0["finish_reason"]?.string != nil })
    }
  }

  @Test func aSoakFindsNothing() async throws {
    let seed = seeds(1)[0]
    let outcome = try await ProcessHarness.run(
      [
        "soak", "--for", "4", "--tp", "2", "--max-tokens", "30", "--pulse-milliseconds", "250", "--seed",
        "\(seed)",
        "--output", "json",
      ])
    #expect(outcome.exitCode == 0, "seed \(seed): \(outcome.standardOutput) \(outcome.standardError)")
    let document = try JSONReader.parse(Array(outcome.standardOutput.utf8))
    #expect(document["verdict"]?.string == "pass" && (document["rounds"]?.int ?? 0) > 1)
    #expect(document["violations"]?.array?.isEmpty == true)
  }
}
