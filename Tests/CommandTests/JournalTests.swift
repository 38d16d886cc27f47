import Foundation
import Parsing
import TestSupport
import Testing

/// Coordinators killed for real; the next one goes on with every request.
@Suite(.serialized) struct JournalTests {
  private static func prompts(_ count: Int, in base: URL) throws -> String {
    let file = base.appendingPathComponent("prompts.jsonl")
    let lines = (0..<count).map { "{\"prompt\": \"In the beginning number \($0) was\"}" }
    try Data(lines.joined(separator: "\n").utf8).write(to: file)
    return file.path
  }

  private static func arguments(_ base: URL, _ more: [String]) throws -> [String] {
    let runs = base.appendingPathComponent("runs")
    try? FileManager.default.createDirectory(at: runs, withIntermediateDirectories: false)
    return ["generate", "--output", "json", "--run-directory", runs.path] + more
  }

  private static func outputs(_ outcome: ProcessOutcome) throws -> JSONValue {
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    return try #require(try JSONReader.parse(Array(outcome.standardOutput.utf8))["outputs"])
  }

  private static func size(_ path: String) -> Int {
    (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.intValue ?? 0
  }

  /// Kills a run when its journal has reached a size; tells whether it was still running.
  private static func kill(_ arguments: [String], _ journal: String, at size: Int, _ runs: URL) async throws
    -> Bool
  {
    let outcome = try await ProcessHarness.withProcess(arguments) { running in
      try await running.wait { _ in Self.size(journal) >= size }
      running.send(SIGKILL)
    }
    // Orphans end by themselves, and take their sockets with them.
    #expect(try await Leaks.remaining(in: runs, deadline: .seconds(5)) == [])
    return outcome.ending == .signalled(SIGKILL)
  }

  /// Three coordinators die one after the other, on three meshes; the fourth ends all 32 requests.
  @Test func everyRequestOutlivesItsCoordinators() async throws {
    let seed = seeds(1)[0]
    var random = SeededGenerator(seed: seed)
    try await withTemporaryDirectory { base in
      let prompts = try Self.prompts(32, in: base)
      let runs = base.appendingPathComponent("runs")
      let journal = base.appendingPathComponent("run.journal").path
      let job = [
        "--prompts-file", prompts, "--max-tokens", "40", "--ignore-eos", "--temperature", "0.8",
        "--sampling-seed", "3", "--logprobs", "1",
      ]
      let whole = try Self.outputs(
        try await ProcessHarness.run(try Self.arguments(base, job + ["--tp", "2", "--journal", journal])))
      let (full, accepted) = (Self.size(journal), 32 * 100)
      try FileManager.default.removeItem(atPath: journal)

      // The first as soon as all are accepted, with few tokens or none.
      let moments =
        [accepted] + (0..<2).map { _ in Int.random(in: accepted..<full, using: &random) }.sorted()
      var wereRunning = 0
      for (round, mesh) in [["--tp", "2"], ["--tp", "2", "--ep", "2"], ["--attn-dp", "2"]].enumerated() {
        let more = round == 0 ? job : ["--resume"]
        let arguments = try Self.arguments(base, more + mesh + ["--journal", journal])
        if try await Self.kill(arguments, journal, at: moments[round], runs) { wereRunning += 1 }
      }
      #expect(wereRunning > 0, "seed \(seed)")
      let last = try await ProcessHarness.run(
        try Self.arguments(base, ["--resume", "--journal", journal, "--tp", "3"]))
      #expect(try Self.outputs(last) == whole, "seed \(seed)")
      // Once more: nothing is left to do, and nothing is started.
      let again = try await ProcessHarness.run(try Self.arguments(base, ["--resume", "--journal", journal]))
      #expect(try Self.outputs(again) == whole)
      #expect(again.standardError.contains("nothing is computed"))
    }
  }

  /// What a terminal has seen is not shown again.
  @Test func aStreamGoesOnWhereItWas() async throws {
    try await withTemporaryDirectory { base in
      let journal = base.appendingPathComponent("run.journal").path
      let job = [
        "--prompt", "Once upon", "--max-tokens", "200", "--ignore-eos", "--output", "text", "--tp", "2",
      ]
      let whole = try await ProcessHarness.run(try Self.arguments(base, job)).standardOutput
      let first = try await ProcessHarness.withProcess(
        try Self.arguments(base, job + ["--journal", journal])
      ) { running in
        try await running.wait { $0.standardOutput.utf8.count > 200 }
        running.send(SIGKILL)
      }
      #expect(first.ending == .signalled(SIGKILL))
      let second = try await ProcessHarness.run(
        try Self.arguments(base, ["--output", "text", "--resume", "--journal", journal]))
      #expect(second.exitCode == 0, "\(second.standardError)")
      // Between writing down and showing lies one step: what it gave may be in neither output.
      #expect(whole.hasPrefix(first.standardOutput) && whole.hasSuffix(second.standardOutput))
      let missing = whole.utf8.count - first.standardOutput.utf8.count - second.standardOutput.utf8.count
      #expect((0..<40).contains(missing), "\(missing) bytes")
    }
  }

  /// A journal that cannot grow costs no token; one that cannot even take the requests is an error.
  @Test func aFullDiskCostsNoToken() async throws {
    try await withTemporaryDirectory { base in
      let prompts = try Self.prompts(8, in: base)
      let journal = base.appendingPathComponent("run.journal").path
      let job = ["--prompts-file", prompts, "--max-tokens", "60", "--ignore-eos", "--tp", "2"]
      let whole = try Self.outputs(try await ProcessHarness.run(try Self.arguments(base, job)))
      func limited(_ blocks: Int, _ more: [String]) async throws -> ProcessOutcome {
        let words =
          [ProcessHarness.executable.path] + (try Self.arguments(base, more + ["--journal", journal]))
        let output = base.appendingPathComponent("out").path
        let line = words.map { "'\($0)'" }.joined(separator: " ")
        let command = "( ulimit -f \(blocks); exec \(line) ) | cat > '\(output)'"
        let outcome = try await ProcessHarness.run(
          ["-o", "pipefail", "-c", command], executable: URL(fileURLWithPath: "/bin/bash"))
        let text =
          FileManager.default.contents(atPath: output).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return ProcessOutcome(
          ending: outcome.ending, standardOutput: text, standardError: outcome.standardError)
      }
      // Two blocks of 1024 bytes hold the requests and a few tokens.
      let cramped = try await limited(2, job)
      #expect(cramped.standardError.contains("warning: the journal"), "\(cramped.standardError)")
      #expect(cramped.standardError.contains("nothing new is accepted"))
      #expect(try Self.outputs(cramped) == whole)
      // What it holds is a good beginning.
      let resumed = try await ProcessHarness.run(
        try Self.arguments(base, ["--resume", "--journal", journal, "--tp", "2"]))
      #expect(try Self.outputs(resumed) == whole)

      try FileManager.default.removeItem(atPath: journal)
      let refused = try await limited(1, ["--prompts-file", try Self.prompts(60, in: base), "--tp", "2"])
      #expect(refused.exitCode == 1)
      #expect(refused.standardError.contains("error: prompt 0: the journal"), "\(refused.standardError)")
    }
  }

  /// The same on a file system that is full, where this test may make one.
  @Test(.enabled(if: geteuid() == 0)) func aFullFileSystemCostsNoToken() async throws {
    try await withTemporaryDirectory { base in
      let prompts = try Self.prompts(8, in: base)
      let disk = base.appendingPathComponent("disk")
      try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: false)
      let mounted = try await ProcessHarness.run(
        ["-t", "tmpfs", "-o", "size=4k", "tmpfs", disk.path], executable: URL(fileURLWithPath: "/bin/mount"))
      guard mounted.exitCode == 0 else { return }
      let job = ["--prompts-file", prompts, "--max-tokens", "60", "--ignore-eos", "--tp", "2"]
      let journal = disk.appendingPathComponent("run.journal").path
      let cramped = try await ProcessHarness.run(try Self.arguments(base, job + ["--journal", journal]))
      let resumed = try await ProcessHarness.run(
        try Self.arguments(base, ["--resume", "--journal", journal, "--tp", "2"]))
      _ = try await ProcessHarness.run([disk.path], executable: URL(fileURLWithPath: "/bin/umount"))
      #expect(cramped.standardError.contains("No space left on device"), "\(cramped.standardError)")
      let whole = try Self.outputs(try await ProcessHarness.run(try Self.arguments(base, job)))
      #expect(try Self.outputs(cramped) == whole)
      // There is no room to take the journal over; that is said, and nothing in it is harmed.
      #expect(resumed.exitCode == 1, "\(resumed.standardError)")
      #expect(resumed.standardError.contains("cannot be taken over"), "\(resumed.standardError)")
    }
  }

  @Test func misuseIsExplained() async throws {
    try await withTemporaryDirectory { base in
      let journal = base.appendingPathComponent("run.journal").path
      let job = ["--prompt", "Once", "--max-tokens", "4", "--journal", journal]
      _ = try Self.outputs(try await ProcessHarness.run(try Self.arguments(base, job)))
      func fails(_ more: [String], _ text: String) async throws {
        let outcome = try await ProcessHarness.run(try Self.arguments(base, more))
        #expect(outcome.exitCode == 2 && outcome.standardError.contains(text), "\(outcome.standardError)")
      }
      try await fails(job, "add --resume to go on with them")
      try await fails(["--prompt", "Once", "--resume"], "--resume needs --journal FILE")
      try await fails(
        ["--resume", "--journal", journal, "--prompt", "Twice"], "is not the one in the journal")
      let more = base.appendingPathComponent("more.jsonl")
      try Data("{\"prompt\": \"Once\"}\n{\"prompt\": \"Twice\"}\n".utf8).write(to: more)
      try await fails(
        ["--resume", "--journal", journal, "--prompts-file", more.path, "--kv-cache-dtype", "q8"],
        "Give the same model and formats")
      let grown = try await ProcessHarness.run(
        try Self.arguments(base, ["--resume", "--journal", journal, "--prompts-file", more.path]))
      #expect(try Self.outputs(grown).array?.count == 2)
    }
  }
}
