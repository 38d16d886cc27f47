import Foundation
import Launching
import TestSupport
import Testing

/// A rank that runs a shell script.
private func shell(_ script: String, rank: Int = 0, environment: [String: String] = [:]) -> RankLaunch {
  RankLaunch(rank: rank, executable: "/bin/sh", arguments: ["-c", script], environment: environment)
}

@Suite struct LocalLauncherTests {
  @Test func planNumbersTheRanks() {
    let plan = LaunchPlan(worldSize: 3, executable: "/bin/x", environment: ["A": "b"]) {
      ["worker", "\($0)"]
    }
    #expect(plan.ranks.map(\.rank) == [0, 1, 2])
    #expect(plan.ranks[2].arguments == ["worker", "2"])
    #expect(plan.ranks.allSatisfy { $0.host == "localhost" && $0.environment == ["A": "b"] })
  }

  @Test func exitsCarryCodeAndLastLines() throws {
    let launcher = try LocalLauncher()
    let incarnation = launcher.start(
      shell("for i in $(seq 30); do echo line $i $X >&2; done; exit 7", rank: 4, environment: ["X": "y"]))
    #expect(launcher.waitForExits(1, deadline: .seconds(20)))
    let exits = launcher.takeExits()
    #expect(exits.count == 1)
    #expect(exits[0].rank == 4)
    #expect(exits[0].incarnation == incarnation)
    #expect(exits[0].ending == .exited(code: 7))
    #expect(exits[0].lastLines.count == 20)
    #expect(exits[0].lastLines.last == "line 30 y")
    #expect(exits[0].description.hasPrefix("rank 4 on localhost (process "))
    #expect(exits[0].description.hasSuffix(") exited with code 7"))
    #expect(launcher.takeExits().isEmpty)
    #expect(launcher.liveRanks.isEmpty)
  }

  @Test func exitsAreAnnouncedOnTheDescriptor() async throws {
    let launcher = try LocalLauncher()
    let readable = Mutexed(false)
    let source = DispatchSource.makeReadSource(fileDescriptor: launcher.exitDescriptor, queue: .global())
    source.setEventHandler {
      readable.set(true)
      source.cancel()
    }
    source.activate()
    _ = launcher.start(shell("exit 0"))
    while !readable.get() { try await Task.sleep(for: .milliseconds(1)) }
    #expect(launcher.takeExits().map(\.ending) == [.exited(code: 0)])
  }

  @Test func signalsReachARankAndItsNextIncarnationIsAnother() throws {
    let launcher = try LocalLauncher()
    let first = launcher.start(shell("exec sleep 1000"))
    let second = launcher.start(shell("exec sleep 1000"))
    launcher.send(SIGKILL, to: first)
    #expect(launcher.waitForExits(1, deadline: .seconds(20)))
    let exit = try #require(launcher.takeExits().first)
    #expect(exit.incarnation == first)
    #expect(exit.ending == .killed(signal: 9))
    #expect(exit.description.hasSuffix("was killed by signal 9 (SIGKILL)"))
    #expect(launcher.liveRanks == [0])
    #expect(second > first)
    launcher.send(SIGKILL, to: first)
    #expect(launcher.stop() == [])
    #expect(launcher.takeExits().map(\.ending) == [.killed(signal: 15)])
  }

  @Test func aDelayedSignalComesWhenItIsDue() throws {
    let launcher = try LocalLauncher()
    let incarnation = launcher.start(shell("exec sleep 1000"))
    let started = ContinuousClock.now
    launcher.send(SIGKILL, to: incarnation, after: .seconds(900))
    launcher.send(SIGTERM, to: incarnation, after: .milliseconds(50))
    #expect(launcher.waitForExits(1, deadline: .seconds(20)))
    #expect(ContinuousClock.now - started >= .milliseconds(50))
    #expect(launcher.takeExits().map(\.ending) == [.killed(signal: SIGTERM)])
  }

  @Test func whatCannotStartIsAnExitWithItsReason() throws {
    let launcher = try LocalLauncher()
    _ = launcher.start(RankLaunch(rank: 1, executable: "/no/such/file", arguments: []))
    #expect(launcher.waitForExits(1, deadline: .seconds(20)))
    let exit = try #require(launcher.takeExits().first)
    #expect(exit.pid == nil)
    #expect(exit.description.hasPrefix("rank 1 on localhost could not be started: "))
  }

  @Test func stubbornAndStoppedRanksAreKilled() throws {
    let launcher = try LocalLauncher { _, _ in }
    _ = launcher.start(shell("trap '' TERM; echo up >&2; exec sleep 1000", rank: 0))
    let stopped = launcher.start(shell("kill -STOP $$; exec sleep 1000", rank: 1))
    while launcher.pid(of: stopped) == nil { usleep(1000) }
    #expect(launcher.stop(grace: .milliseconds(500)) == [])
    let exits = launcher.takeExits().sorted { $0.rank < $1.rank }
    #expect(exits.count == 2)
    #expect(launcher.liveRanks.isEmpty)
  }

  @Test func aForgottenLauncherLeavesNoRank() throws {
    var launcher: LocalLauncher? = try LocalLauncher()
    let incarnation = try #require(launcher?.start(shell("exec sleep 1000")))
    while launcher?.pid(of: incarnation) == nil { usleep(1000) }
    let pid = try #require(launcher?.pid(of: incarnation))
    launcher = nil
    while ProcessIdentity(pid: pid) != nil { usleep(1000) }
  }

  @Test func longAndBrokenLinesAreBounded() throws {
    let launcher = try LocalLauncher()
    launcher.start(shell("head -c 300000 /dev/zero | tr '\\0' x >&2; printf '\\377\\n' >&2; printf tail >&2"))
    #expect(launcher.waitForExits(1, deadline: .seconds(20)))
    let exit = try #require(launcher.takeExits().first)
    #expect(exit.lastLines.last == "tail")
    #expect(exit.lastLines.allSatisfy { $0.count <= 503 })
  }
}

/// A value that two threads may touch.
final class Mutexed<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var value: Value

  init(_ value: Value) { self.value = value }
  func get() -> Value { lock.withLock { value } }
  func set(_ new: Value) { lock.withLock { value = new } }
}
