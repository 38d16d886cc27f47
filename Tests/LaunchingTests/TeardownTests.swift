import Foundation
import TestSupport
import Testing

/// Real coordinators and ranks (`launching-probe`), ended in every way; nothing may be left behind.
@Suite struct TeardownTests {
  private static let probe = ProcessHarness.executable.deletingLastPathComponent()
    .appendingPathComponent("launching-probe")

  private static func ready(_ running: RunningProcess, _ ranks: Int) async throws {
    try await running.wait { $0.standardOutput.split(separator: "\n").count >= ranks }
  }

  private static func coordinator(
    _ base: URL, ranks: Int, _ body: @escaping @Sendable (RunningProcess) async throws -> Void
  ) async throws -> ProcessOutcome {
    try await ProcessHarness.withProcess(
      ["coordinator", base.path, "\(ranks)"], executable: probe, deadline: .seconds(180)
    ) { running in
      try await ready(running, ranks)
      try await body(running)
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func signalsTearDownGracefully(signal: Int32) async throws {
    try await withTemporaryDirectory { base in
      let outcome = try await Self.coordinator(base, ranks: 3) { $0.send(signal) }
      #expect(outcome.ending == .exited(128 + signal))
      let left = try await Leaks.remaining(in: base)
      #expect(left == [])
    }
  }

  @Test func killedCoordinatorLeavesNothing() async throws {
    try await withTemporaryDirectory { base in
      let outcome = try await Self.coordinator(base, ranks: 3) { $0.send(SIGKILL) }
      #expect(outcome.ending == .signalled(SIGKILL))
      let left = try await Leaks.remaining(in: base)
      #expect(left == [])
    }
  }

  @Test func killedCoordinatorOfStoppedRanksLeavesNothing() async throws {
    try await withTemporaryDirectory { base in
      _ = try await Self.coordinator(base, ranks: 2) { running in
        for line in Leaks.processes(mentioning: base.path + "/") where line.contains(" rank ") {
          if let pid = Int32(line.split(separator: " ")[1].dropLast()) { _ = kill(pid, SIGSTOP) }
        }
        running.send(SIGKILL)
      }
      let left = try await Leaks.remaining(in: base)
      #expect(left == [])
    }
  }

  @Test func aDeadRankEndsTheRunWithASentence() async throws {
    try await withTemporaryDirectory { base in
      let outcome = try await Self.coordinator(base, ranks: 2) { running in
        let line = Leaks.processes(mentioning: base.path + "/").first { $0.contains(" 1 ") }
        if let pid = line.flatMap({ Int32($0.split(separator: " ")[1].dropLast()) }) {
          _ = kill(pid, SIGKILL)
        }
      }
      #expect(outcome.exitCode == 1)
      #expect(outcome.standardOutput.contains("rank 1 on localhost"))
      #expect(outcome.standardOutput.contains("was killed by signal 9 (SIGKILL)"))
      let left = try await Leaks.remaining(in: base)
      #expect(left == [])
    }
  }

  @Test func aSecondSignalEndsAtOnceAndRanksCleanUp() async throws {
    try await withTemporaryDirectory { base in
      let outcome = try await Self.coordinator(base, ranks: 2) { running in
        // Two different ones, because two equal ones may be delivered as one.
        running.send(SIGINT)
        running.send(SIGTERM)
      }
      #expect([.exited(130), .exited(143)].contains(outcome.ending))
      let left = try await Leaks.remaining(in: base)
      #expect(left == [])
    }
  }
}
