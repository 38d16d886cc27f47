import Foundation
import Parsing
import TestSupport
import Testing

/// Real launches through real `sshd`s; skipped by name where hosts cannot be made.
@Suite(
  .serialized, .enabled(if: SSHLab.obstacle == nil, "needs root, network namespaces, iproute2 and OpenSSH"))
struct SSHLaunchTests {
  private static let prompt = ["--prompt", "It is a truth universally acknowledged", "--max-tokens", "24"]

  private static func tokens(_ outcome: ProcessOutcome) throws -> [Int] {
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    return try JSONReader.parse(outcome.standardOutput)["outputs"]?.array?.first?["token_ids"]?.array?
      .compactMap(\.int) ?? []
  }

  private static func withLab(
    _ count: Int, _ body: @Sendable (SSHLab) async throws -> Void
  ) async throws {
    let lab = try SSHLab(count: count)
    defer { lab.close() }
    try await body(lab)
    // Only the daemons are left, however the run ended.
    for host in 0..<count {
      var left = try lab.processes(on: host, " worker ")
      let end = ContinuousClock.now + .seconds(5)
      while !left.isEmpty, ContinuousClock.now < end {
        try await Task.sleep(for: .milliseconds(20))
        left = try lab.processes(on: host, " worker ")
      }
      #expect(left == [])
    }
  }

  /// A rank that a busy machine keeps waiting for a second is not lost here.
  private static let patient = ["--pulse-milliseconds", "10000"]

  @Test func fourHostsWriteWhatOneProcessWrites() async throws {
    let single = try await ProcessHarness.run(["generate", "--output", "json"] + Self.prompt)
    try await Self.withLab(4) { lab in
      let command = lab.onHub(
        ["generate", "--output", "json", "--tp", "2", "--ep", "2"] + Self.patient + Self.prompt
          + (try lab.flags()))
      let outcome = try await ProcessHarness.run(
        command.arguments, executable: command.executable, deadline: .seconds(240))
      #expect(try Self.tokens(outcome) == Self.tokens(single))
      #expect(outcome.standardError == "")
    }
  }

  @Test func aLostHostIsReplacedAndNothingIsLost() async throws {
    let flags = ["--ignore-eos", "--max-tokens", "450", "--prompt", "In the beginning"]
    let single = try await ProcessHarness.run(["generate"] + flags)
    try await Self.withLab(2) { lab in
      let command = lab.onHub(["generate", "--tp", "2"] + flags + (try lab.flags()))
      let outcome = try await ProcessHarness.withProcess(
        command.arguments, executable: command.executable, deadline: .seconds(240)
      ) { running in
        try await running.wait { $0.standardOutput.utf8.count > 40 }
        // Session and worker of rank 1, as when its host is switched off.
        for process in try lab.processes(on: 1, "sshd: root") + lab.processes(on: 1, " worker ") {
          _ = kill(process, SIGKILL)
        }
      }
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      #expect(outcome.standardOutput == single.standardOutput)
      #expect(outcome.standardError.contains("rank 1"), "\(outcome.standardError)")
    }
  }

  @Test func aHostThatStaysAwayIsReplacedByASpareOne() async throws {
    let flags = ["--ignore-eos", "--max-tokens", "450", "--prompt", "In the beginning"]
    let single = try await ProcessHarness.run(["generate"] + flags)
    try await Self.withLab(3) { lab in
      let command = lab.onHub(["generate", "--tp", "2"] + flags + (try lab.flags()))
      let outcome = try await ProcessHarness.withProcess(
        command.arguments, executable: command.executable, deadline: .seconds(240)
      ) { running in
        try await running.wait { $0.standardOutput.utf8.count > 40 }
        // The daemon as well: nobody can log in there again.
        for process in try lab.processes(on: 1, "") { _ = kill(process, SIGKILL) }
      }
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      #expect(outcome.standardOutput == single.standardOutput)
      #expect(outcome.standardError.contains("has been replaced on 10.77.0.3"), "\(outcome.standardError)")
    }
  }

  @Test func aDrillLosesAHostAndNoToken() async throws {
    try await Self.withLab(2) { lab in
      let plan = Fixtures.packageRoot.appendingPathComponent("configs/drills/host-loss.yaml").path
      let command = lab.onHub(
        ["drill", "--plan", plan, "--tp", "2", "--ep", "2", "--max-tokens", "32", "--output", "json"]
          + (try lab.flags(slots: 2)))
      let outcome = try await ProcessHarness.run(
        command.arguments, executable: command.executable, deadline: .seconds(240))
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      let report = try JSONReader.parse(outcome.standardOutput)
      #expect(report["verdict"]?.string == "pass" && report["requests"]?["changed"]?.int == 0)
    }
  }

  @Test func anInterruptLeavesNothingOnTheHosts() async throws {
    try await Self.withLab(2) { lab in
      let command = lab.onHub(
        ["generate", "--tp", "2", "--ignore-eos", "--max-tokens", "450", "--prompt", "a"] + (try lab.flags()))
      let outcome = try await ProcessHarness.withProcess(
        command.arguments, executable: command.executable, deadline: .seconds(240)
      ) { running in
        try await running.wait { $0.standardOutput.utf8.count > 20 }
        running.send(SIGINT)
      }
      #expect(outcome.ending == .exited(130))
    }
  }

  @Test func aHostThatCannotBeReachedIsNamed() async throws {
    try await Self.withLab(1) { lab in
      let hosts = lab.directory.appendingPathComponent("nowhere")
      try Data("10.77.0.99 slots=1\n".utf8).write(to: hosts)
      var flags = try lab.flags()
      flags[3] = hosts.path
      let command = lab.onHub(["generate", "--prompt", "a"] + flags)
      let outcome = try await ProcessHarness.run(
        command.arguments, executable: command.executable, deadline: .seconds(240))
      #expect(outcome.exitCode == 1)
      let words = outcome.standardError
      #expect(words.contains("rank 0") && words.contains("10.77.0.99"), "\(words)")
    }
  }
}
