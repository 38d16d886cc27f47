import Foundation
import Parsing
import TestSupport
import Testing

@Suite struct BenchCommandTests {
  @Test func collectivesAreMeasuredBetweenProcesses() async throws {
    let outcome = try await ProcessHarness.run([
      "bench", "collectives", "--ranks", "2", "--bytes", "64,1024", "--iterations", "3", "--output", "json",
    ])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let rows = try JSONReader.parse(outcome.standardOutput)["rows"]?.array ?? []
    #expect(rows.map { $0["bytes"]?.int } == [64, 1024])
    #expect(rows.allSatisfy { $0["verified"]?.bool == true && ($0["median_us"]?.double ?? 0) > 0 })
  }

  @Test(arguments: ["direct", "scattered"])
  func bothAlgorithmsOfAnAllReduceAreRight(algorithm: String) async throws {
    let outcome = try await ProcessHarness.run([
      "bench", "collectives", "--ranks", "3", "--bytes", "64,20000", "--iterations", "2", "--algorithm",
      algorithm, "--transport", "shm", "--output", "json",
    ])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let rows = try JSONReader.parse(outcome.standardOutput)["rows"]?.array ?? []
    #expect(rows.count == 2 && rows.allSatisfy { $0["verified"]?.bool == true })
  }

  @Test(arguments: [
    (["--ranks", "0"], "--ranks cannot be '0'"), (["--bytes", "8,x"], "--bytes cannot be 'x'"),
    (["--algorithm", "gossip"], "--algorithm cannot be 'gossip'; choose one of auto, direct"),
    (["--operation", "gossip"], "--operation cannot be 'gossip'; choose one of all-reduce"),
  ])
  func badInputsAreWrongUsage(arguments: [String], words: String) async throws {
    let outcome = try await ProcessHarness.run(["bench", "collectives"] + arguments)
    #expect(outcome.exitCode == 2)
    #expect(outcome.standardError.contains(words), "\(outcome.standardError)")
  }

  @Test func decodeIsMeasuredForEveryBatch() async throws {
    let outcome = try await ProcessHarness.run([
      "bench", "decode", "-p", "8", "-n", "4", "--batch", "1,3", "--repetitions", "2", "--output", "json",
    ])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let rows = try JSONReader.parse(outcome.standardOutput)["rows"]?.array ?? []
    #expect(rows.map { $0["test"]?.string } == ["pp8", "tg4", "tg4"])
    #expect(rows.map { $0["batch"]?.int } == [1, 1, 3])
    #expect(rows.allSatisfy { $0["samples_tokens_per_s"]?.array?.count == 2 })
    #expect(rows.dropFirst().allSatisfy { ($0["overhead_us"]?.double ?? 0) > 0 })
  }

  @Test(arguments: ["0", "1,", "1,x", "5000"])
  func badBatchesAreWrongUsage(batch: String) async throws {
    let outcome = try await ProcessHarness.run(["bench", "decode", "--batch", batch])
    #expect(outcome.exitCode == 2)
    #expect(outcome.standardError.contains("--batch cannot be"), "\(outcome.standardError)")
  }

  @Test func twoFilesAreCompared() async throws {
    try await withTemporaryDirectory { directory in
      let before = directory.appendingPathComponent("before.json")
      let after = directory.appendingPathComponent("after.json")
      try Data(
        """
        {"rows": [{"test": "tg8", "batch": 1, "avg_tokens_per_s": 10},
          {"test": "pp8", "batch": 1, "avg_tokens_per_s": 7},
          {"operation": "all-reduce", "bytes": 64, "median_us": 30}]}
        """.utf8
      ).write(to: before)
      try Data(
        """
        {"rows": [{"operation": "all-reduce", "bytes": 64, "median_us": 15},
          {"test": "tg8", "batch": 1, "avg_tokens_per_s": 12.5},
          {"test": "tg8", "batch": 4, "avg_tokens_per_s": 99}]}
        """.utf8
      ).write(to: after)
      let outcome = try await ProcessHarness.run([
        "bench", "compare", before.path, after.path, "--output", "json",
      ])
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      let document = try JSONReader.parse(outcome.standardOutput)
      let rows = document["rows"]?.array ?? []
      #expect(rows.map { $0["measurement"]?.string } == ["tg8, batch 1", "all-reduce, bytes 64"])
      #expect(rows.map { $0["ratio"]?.double } == [1.25, 2])
      #expect(document["only_before"]?.array?.map(\.string) == ["pp8, batch 1"])
      #expect(document["only_after"]?.array?.map(\.string) == ["tg8, batch 4"])
      let text = try await ProcessHarness.run(["bench", "compare", before.path, after.path])
      #expect(text.standardOutput.contains("| 1.250 |") && text.standardOutput.contains("| 2.000 |"))
    }
  }

  @Test(arguments: [
    (#"{"rows": [{"test": "other", "avg_tokens_per_s": 1}]}"#, "have no measurement in common"),
    ("{", "is no JSON"), ("{}", #"has no list "rows""#),
  ])
  func filesThatCannotBeComparedAreRefused(content: String, words: String) async throws {
    try await withTemporaryDirectory { directory in
      let good = directory.appendingPathComponent("good.json")
      try Data(#"{"rows": [{"test": "tg8", "avg_tokens_per_s": 10}]}"#.utf8).write(to: good)
      let other = directory.appendingPathComponent("other.json")
      try Data(content.utf8).write(to: other)
      let outcome = try await ProcessHarness.run(["bench", "compare", good.path, other.path])
      #expect(outcome.exitCode == 1)
      #expect(outcome.standardError.contains(words), "\(outcome.standardError)")
    }
  }
}
