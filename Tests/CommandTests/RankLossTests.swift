import Foundation
import TestSupport
import Testing

/// Real workers killed, stopped and crashed for real, while streams run: every token as in the run without a fault.
@Suite(.serialized) struct RankLossTests {
  /// One stream of drawn tokens whose text can be watched.
  private static func arguments(_ base: URL, _ mesh: [String]) throws -> [String] {
    let runs = base.appendingPathComponent("runs")
    try? FileManager.default.createDirectory(at: runs, withIntermediateDirectories: false)
    return [
      "generate", "--prompt", "In the beginning", "--max-tokens", "300", "--ignore-eos",
      "--run-directory", runs.path, "--pulse-milliseconds", "200", "--temperature", "0.7",
      "--sampling-seed", "5",
    ] + mesh
  }

  @Test(arguments: [
    ["--tp", "2"], ["--tp", "2", "--ep", "2"], ["--attn-dp", "2", "--ep", "2"],
    ["--tp", "2", "--on-rank-loss", "spare", "--spares", "1"],
    ["--tp", "3", "--on-rank-loss", "shrink"], ["--tp", "2", "--ep", "2", "--on-rank-loss", "shrink"],
  ])
  func killedAtAnyMoment(mesh: [String]) async throws {
    let seed = seeds(1)[0]
    var random = SeededGenerator(seed: seed)
    try await withTemporaryDirectory { base in
      let arguments = try Self.arguments(base, mesh)
      let whole = try await ProcessHarness.run(arguments)
      let length = whole.standardOutput.utf8.count
      #expect(whole.exitCode == 0 && length > 300, "\(whole.standardError)")
      let runs = base.appendingPathComponent("runs")
      let signals = [SIGKILL, SIGSTOP, SIGSEGV, SIGKILL].shuffled(using: &random)
      let moments = signals.map { _ in Int.random(in: 1..<length - 100, using: &random) }.sorted()
      let victims = signals.map { _ in Int.random(in: 0..<12, using: &random) }
      let outcome = try await ProcessHarness.withProcess(arguments) { running in
        for index in signals.indices {
          try await running.wait { $0.standardOutput.utf8.count >= moments[index] }
          let workers = Leaks.workers(mentioning: runs.path + "/")
          guard !workers.isEmpty, running.ending == nil else { continue }
          let seen = workers[victims[index] % workers.count]
          _ = kill(seen.processID, signals[index])
          try await running.wait { _ in
            !Leaks.workers(mentioning: runs.path + "/").contains { $0.processID == seen.processID }
          }
        }
      }
      #expect(outcome.exitCode == 0, "seed \(seed): \(outcome.standardError)")
      #expect(outcome.standardOutput == whole.standardOutput, "seed \(seed)")
      // A spare that dies while it waits is nobody's loss.
      let losses = outcome.standardError.components(separatedBy: "no token is lost").count - 1
      #expect(losses >= (mesh.contains("--spares") ? 1 : 2), "seed \(seed): \(outcome.standardError)")
      let left = try await Leaks.remaining(in: runs)
      #expect(left == [])
    }
  }

  /// A process that is killed leaves its socket behind; a long run must not fill its directory with them.
  @Test func socketsOfLostRanksAreRemoved() async throws {
    try await withTemporaryDirectory { base in
      let runs = base.appendingPathComponent("runs")
      let arguments = try Self.arguments(base, ["--tp", "2"]) + ["--max-rank-restarts", "100"]
      let outcome = try await ProcessHarness.withProcess(arguments) { running in
        try await running.wait { $0.standardOutput.utf8.count > 20 }
        for _ in 0..<4 {
          @Sendable func worker() -> Int32? {
            Leaks.workers(mentioning: runs.path + "/").first { $0.rank == 1 }?.processID
          }
          let old = try #require(worker())
          _ = kill(old, SIGKILL)
          // Text after that is made by the next one, which listens by then.
          try await running.wait { _ in worker().map { $0 != old } ?? false }
          let length = running.standardOutput.utf8.count
          try await running.wait { $0.standardOutput.utf8.count > length }
        }
        let sockets = try FileManager.default.subpathsOfDirectory(atPath: runs.path).filter {
          $0.contains("/r1.")
        }
        #expect(sockets.count <= 1, "\(sockets)")
      }
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    }
  }

  @Test func aCrashLoopEndsWithTheReason() async throws {
    try await withTemporaryDirectory { base in
      let runs = base.appendingPathComponent("runs")
      let arguments = try Self.arguments(base, ["--tp", "2"]) + ["--max-rank-restarts", "1"]
      let outcome = try await ProcessHarness.withProcess(arguments) { running in
        while running.ending == nil {
          for worker in Leaks.workers(mentioning: runs.path + "/") where worker.rank == 1 {
            _ = kill(worker.processID, SIGKILL)
          }
          try await Task.sleep(for: .milliseconds(1))
        }
      }
      #expect(outcome.exitCode == 1)
      #expect(outcome.standardError.contains("rank 1"))
      #expect(outcome.standardError.contains("was killed by signal 9 (SIGKILL); it was lost 2 times"))
      #expect(try await Leaks.remaining(in: runs) == [])
    }
  }

  /// Workers whose coordinator hangs leave by themselves.
  @Test func aHungCoordinatorIsLeft() async throws {
    try await withTemporaryDirectory { base in
      let runs = base.appendingPathComponent("runs")
      let arguments = try Self.arguments(base, ["--tp", "2"])
      _ = try await ProcessHarness.withProcess(arguments) { running in
        try await running.wait { _ in Leaks.workers(mentioning: runs.path + "/").count == 2 }
        running.send(SIGSTOP)
        let end = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < end, !Leaks.workers(mentioning: runs.path + "/").isEmpty {
          try await Task.sleep(for: .milliseconds(20))
        }
        #expect(Leaks.workers(mentioning: runs.path + "/").isEmpty)
        running.send(SIGKILL)
      }
    }
  }
}
