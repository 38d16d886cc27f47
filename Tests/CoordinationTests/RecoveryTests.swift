import Coordination
import Scheduling
import Testing
import Topology
import Wire

@Suite struct RecoveryTests {
  private func epoch(_ number: UInt64) -> Epoch { Epoch(rawValue: number) }

  @Test func aLostRankIsReplacedAndTheStreamGoesOn() throws {
    var driver = Driver(tp: 2, onRankLoss: .respawn)
    driver.open()
    let first = try #require(Driver.plans(driver.handle(Driver.request(1))).first)
    let second = try #require(
      Driver.plans(driver.handle(.stepResult(Driver.result(first, group: 0), rank: 0))).first)
    #expect(second.groups[0].chunks[0].startPosition == 3)

    let directives = driver.handle(.rankLost(rank: 1, Driver.killed), after: .milliseconds(5))
    let change = EpochChange(epoch: epoch(2), text: "rank 1 (process 101 on n1) was killed by signal 9")
    #expect(
      directives == [
        .lost(rank: 1, incarnation: 0, Driver.killed), .stopRank(rank: 1, incarnation: 0),
        .changeEpoch(change, ranks: [0]), .startRank(rank: 1, incarnation: 1, epoch: epoch(2)),
      ])
    // What the old epoch and the old process still send counts for nothing.
    #expect(driver.handle(.stepResult(Driver.result(second, group: 0), rank: 0)).isEmpty)
    #expect(driver.handle(.rankLost(rank: 1, Driver.killed)).isEmpty)
    #expect(driver.core.statistics.staleResults == 1)
    #expect(driver.core.statistics.messagesOfReplacedRanks == 1)

    #expect(driver.handle(Driver.hello(1, incarnation: 1)) == [.configure(rank: 1)])
    #expect(driver.handle(Driver.ready(1, epoch: 2, incarnation: 1)).isEmpty)
    let back = driver.handle(Driver.acknowledged(0, epoch: 2), after: .milliseconds(20))
    #expect(back.first == .introduce(replica: 0, epoch: epoch(2)))
    #expect(
      back.dropFirst().first
        == .recovered(Recovery(replica: 0, ranks: [1], duration: .milliseconds(20))))
    // Prompt and the token that was emitted are computed again; the next token is the second one.
    let replay = try #require(Driver.plans(back).first)
    #expect(replay.epoch == epoch(2) && replay.step == second.step.next)
    #expect(replay.groups[0].chunks[0].tokens == [1, 2, 3, 7])
    #expect(replay.groups[0].admissions[0].outputTokens == [7])
    let next = driver.handle(.stepResult(Driver.result(replay, group: 0, token: 9), rank: 0))
    guard case .token(let token) = next.first else {
      Issue.record("no token")
      return
    }
    #expect(token.index == 1 && token.token == 9)
  }

  /// Workers that somebody else starts bring a number of their own, and another may come for one that is lost.
  @Test func workersThatComeByThemselvesReplaceEachOther() throws {
    var driver = Driver(tp: 2, onRankLoss: .respawn, adopts: true)
    let own = Hello.firstOwnIncarnation
    for rank in 0..<2 {
      let start = own + UInt32(rank)
      _ = driver.handle(
        Driver.hello(rank, incarnation: start), Driver.ready(rank, incarnation: start))
    }
    let first = try #require(Driver.plans(driver.handle(Driver.request(1))).first)
    _ = driver.handle(.stepResult(Driver.result(first, group: 0), rank: 0, incarnation: own))
    // The place is taken while its process is there.
    guard case .refuse(1, own + 9, let text) = driver.handle(Driver.hello(1, incarnation: own + 9)).first
    else {
      Issue.record("a taken rank was given away")
      return
    }
    #expect(text.contains("taken by process 101 on n1; it is free again when that one is lost"))
    _ = driver.handle(.rankLost(rank: 1, incarnation: own + 1, Driver.killed))
    let joined = driver.handle(Driver.hello(1, incarnation: own + 9))
    #expect(joined.first == .configure(rank: 1))
    // It knows of no epoch, so it is told.
    #expect(
      joined.contains {
        if case .changeEpoch(let change, [1]) = $0 { change.epoch == epoch(2) } else { false }
      })
    _ = driver.handle(
      Driver.ready(1, epoch: 1, incarnation: own + 9), Driver.acknowledged(1, epoch: 2, incarnation: own + 9))
    let back = driver.handle(Driver.acknowledged(0, epoch: 2, incarnation: own))
    #expect(Driver.plans(back).first?.epoch == epoch(2))
  }

  @Test func nobodyWhoComesIsAnErrorAtTheDeadline() {
    var driver = Driver(tp: 2, onRankLoss: .respawn, adopts: true)
    let own = Hello.firstOwnIncarnation
    for rank in 0..<2 {
      _ = driver.handle(Driver.hello(rank, incarnation: own), Driver.ready(rank, incarnation: own))
    }
    _ = driver.handle(.rankLost(rank: 1, incarnation: own, Driver.killed))
    let failure = Driver.failure(driver.handle(.tick, after: driver.core.settings.joinDeadline))
    #expect(failure?.rank == 1 && failure?.description.contains("nobody came for it") == true)
  }

  /// A client that carries a process of another host exits where that one is killed.
  @Test func aWorkerThatIsLostWhileItLoadsIsReplaced() {
    var driver = Driver(tp: 2, onRankLoss: .respawn)
    _ = driver.handle(Driver.hello(0), Driver.hello(1))
    let lost = driver.handle(.rankLost(rank: 1, RankLoss(.exited(code: 255), "exited with code 255")))
    #expect(lost.contains { if case .startRank(1, 1, _) = $0 { true } else { false } })
    var early = Driver(tp: 2, onRankLoss: .respawn)
    _ = early.handle(Driver.hello(0))
    let loss = RankLoss(.exited(code: 127), "exited with code 127")
    #expect(Driver.failure(early.handle(.rankLost(rank: 1, loss)))?.rank == 1)
  }

  /// On a busy host the end of a process can be seen before its last message.
  @Test(arguments: [false, true])
  func aWorkerThatSaysWhyItCannotLoadEndsTheRun(wasReplacedBefore: Bool) {
    var driver = Driver(tp: 2, onRankLoss: .respawn)
    _ = driver.handle(Driver.hello(0), Driver.hello(1))
    if wasReplacedBefore {
      _ = driver.handle(.rankLost(rank: 1, Driver.killed))
      _ = driver.handle(Driver.hello(1, incarnation: 1))
    }
    let lines = ["a warning", "error: no tensor \"head\" in model.safetensors"]
    let loss = RankLoss(.exited(code: 1), "exited with code 1", lastLines: lines)
    let failure = Driver.failure(
      driver.handle(.rankLost(rank: 1, incarnation: wasReplacedBefore ? 1 : 0, loss)))
    #expect(
      failure?.description == "rank 1 (process 101 on n1) gave up: no tensor \"head\" in model.safetensors")
    #expect(failure?.loss?.lastLines == ["a warning"])
  }

  @Test func untouchedGroupsKeepTheirKeysAndValues() throws {
    var driver = Driver(attnDP: 2, onRankLoss: .respawn)
    driver.open()
    let first = try #require(Driver.plans(driver.handle(Driver.request(1), Driver.request(2))).first)
    _ = driver.handle(.stepResult(Driver.result(first, group: 0), rank: 0))
    _ = driver.handle(.stepResult(Driver.result(first, group: 1), rank: 1))
    _ = driver.handle(.rankLost(rank: 0, Driver.killed))
    _ = driver.handle(Driver.hello(0, incarnation: 1), Driver.ready(0, epoch: 2, incarnation: 1))
    let plan = try #require(Driver.plans(driver.handle(Driver.acknowledged(1, epoch: 2))).first)
    #expect(plan.groups[0].chunks[0].startPosition == 0 && plan.groups[0].chunks[0].tokens.count == 4)
    #expect(plan.groups[1].chunks[0].startPosition == 3 && plan.groups[1].chunks[0].tokens.count == 1)
  }

  @Test func otherReplicasDoNotWait() throws {
    var driver = Driver(dp: 2, onRankLoss: .respawn)
    driver.open()
    let plans = Driver.plans(driver.handle(Driver.request(1), Driver.request(2)))
    _ = driver.handle(.rankLost(rank: 0, Driver.killed))
    let next = driver.handle(.stepResult(Driver.result(plans[1], group: 0), rank: 1))
    #expect(Driver.plans(next).map(\.epoch) == [epoch(1)])
  }

  @Test func aSecondLossDuringRecovery() throws {
    var driver = Driver(tp: 2, onRankLoss: .respawn)
    driver.open()
    _ = driver.handle(Driver.request(1))
    _ = driver.handle(.rankLost(rank: 1, Driver.killed))
    _ = driver.handle(Driver.hello(1, incarnation: 1))
    // The survivor goes as well, while the new rank 1 loads; and that one is told of the third epoch.
    let second = driver.handle(.rankLost(rank: 0, Driver.killed))
    #expect(second.contains(.startRank(rank: 0, incarnation: 1, epoch: epoch(3))))
    #expect(
      second.contains { directive in
        if case .changeEpoch(let change, [1]) = directive { change.epoch == epoch(3) } else { false }
      })
    #expect(Driver.plans(driver.handle(Driver.ready(1, epoch: 2, incarnation: 1))).isEmpty)
    #expect(Driver.plans(driver.handle(Driver.acknowledged(1, epoch: 2, incarnation: 1))).isEmpty)
    #expect(Driver.plans(driver.handle(Driver.acknowledged(1, epoch: 3, incarnation: 1))).isEmpty)
    _ = driver.handle(Driver.hello(0, incarnation: 1))
    let back = driver.handle(Driver.ready(0, epoch: 3, incarnation: 1))
    #expect(Driver.plans(back).first?.epoch == epoch(3))
  }

  @Test func aCrashLoopPausesAndThenEndsTheRun() {
    var driver = Driver(onRankLoss: .respawn)
    driver.open()
    _ = driver.handle(Driver.request(1))
    var pauses: [Duration] = []
    for incarnation in UInt32(0)...3 {
      let loss = CoordinatorEvent.rankLost(rank: 0, incarnation: incarnation, Driver.killed)
      let directives = driver.handle(loss)
      if let failure = Driver.failure(directives) {
        #expect(incarnation == 3)
        #expect(failure.description.contains("was lost 4 times within 60.0 seconds"))
        #expect(failure.loss == Driver.killed)
        continue
      }
      let started = driver.now
      func isStarted(_ directives: [CoordinatorDirective]) -> Bool {
        directives.contains(.startRank(rank: 0, incarnation: incarnation + 1, epoch: driver.core.epoch))
      }
      if !isStarted(directives), let next = driver.core.nextDeadline {
        #expect(isStarted(driver.handle(.tick, after: next - driver.now)))
      }
      pauses.append(driver.now - started)
    }
    #expect(pauses == [.zero, .milliseconds(200), .milliseconds(400)])
    #expect(!driver.core.isOpen)
  }

  /// Both ranks answer, and the next attempt begins when its pause is over.
  private func nextAttempt(_ driver: inout Driver, incarnations: [UInt32] = [0, 0]) throws -> StepPlan {
    let epoch = driver.core.epoch.rawValue
    for rank in 0...1 {
      let plans = Driver.plans(
        driver.handle(Driver.acknowledged(rank, epoch: epoch, incarnation: incarnations[rank])))
      if let plan = plans.first { return plan }
    }
    let pause = try #require(driver.core.nextDeadline) - driver.now
    #expect(pause <= driver.core.settings.restarts.longestPause)
    return try #require(Driver.plans(driver.handle(.tick, after: pause)).first)
  }

  private func isRetried(_ directives: [CoordinatorDirective]) -> Bool {
    directives.contains { if case .stepRetried = $0 { true } else { false } }
  }

  @Test func aFailedStepIsTriedAgainUntilSomeoneIsBlamed() throws {
    var driver = Driver(tp: 2, onRankLoss: .respawn)
    driver.open()
    var plan = try #require(Driver.plans(driver.handle(Driver.request(1))).first)
    for attempt in 1...2 {
      let abort = Abort(epoch: plan.epoch, rank: 0, code: .malformedMessage, text: "a frame is corrupted")
      let directives = driver.handle(.abort(abort, rank: 1))
      #expect(isRetried(directives), "attempt \(attempt)")
      #expect(!directives.contains { if case .startRank = $0 { true } else { false } })
      plan = try nextAttempt(&driver)
      #expect(plan.groups[0].chunks[0].tokens == [1, 2, 3])
    }
    let abort = Abort(epoch: plan.epoch, rank: 0, code: .malformedMessage, text: "a frame is corrupted")
    let last = driver.handle(.abort(abort, rank: 1))
    #expect(last.contains(.startRank(rank: 0, incarnation: 1, epoch: plan.epoch.next)))
    // A late word about the old epoch changes nothing.
    #expect(driver.handle(.abort(abort, rank: 1)).isEmpty)
  }

  /// A link that stays cut though both processes live: again, then either end replaced, then an end that names it.
  @Test func aBrokenLinkIsNamedInTheEnd() throws {
    var driver = Driver(tp: 2, onRankLoss: .respawn)
    driver.open()
    var plan = try #require(Driver.plans(driver.handle(Driver.request(1))).first)
    var incarnations: [UInt32] = [0, 0]
    /// Rank 0 waits for rank 1 as well, further on and by accident earlier.
    func late(_ driver: inout Driver, _ plan: StepPlan, both: Bool) -> [CoordinatorDirective] {
      func abort(_ named: UInt32, _ operation: UInt32) -> Abort {
        Abort(
          epoch: plan.epoch, rank: named, code: .collectiveDeadline, text: "nothing came from rank \(named)",
          operation: operation)
      }
      #expect(driver.handle(.abort(abort(1, 8), rank: 0, incarnation: incarnations[0])).isEmpty)
      if both { return driver.handle(.abort(abort(0, 7), rank: 1, incarnation: incarnations[1])) }
      let wait = driver.core.nextDeadline.map { $0 - driver.now } ?? .zero
      return driver.handle(.abort(abort(0, 7), rank: 1, incarnation: incarnations[1]), after: wait)
    }
    #expect(isRetried(late(&driver, plan, both: true)))
    plan = try nextAttempt(&driver)
    for replaced in [0, 1] {
      let directives = late(&driver, plan, both: replaced == 0)
      let epoch = driver.core.epoch
      #expect(directives.contains(.startRank(rank: replaced, incarnation: 1, epoch: epoch)))
      incarnations[replaced] = 1
      _ = driver.handle(Driver.hello(replaced, incarnation: 1))
      _ = driver.handle(Driver.ready(replaced, epoch: epoch.rawValue, incarnation: 1))
      plan = try nextAttempt(&driver, incarnations: incarnations)
    }
    let failure = Driver.failure(late(&driver, plan, both: true))
    #expect(failure?.code == .collectiveDeadline && failure?.rank == 0)
    #expect(failure?.description.contains("the link from rank 0 to rank 1 does not work: 4 attempts") == true)
    #expect(!driver.core.isOpen)
  }

  /// A rank whose numbers are wrong twice in a row gets its weights anew.
  @Test func wrongNumbersReplaceTheRank() throws {
    var driver = Driver(tp: 2, onRankLoss: .respawn)
    driver.open()
    var plan = try #require(Driver.plans(driver.handle(Driver.request(1))).first)
    func wrong(_ plan: StepPlan) -> CoordinatorEvent {
      .abort(Abort(epoch: plan.epoch, rank: 1, code: .numeric, text: "layer 3 is not finite"), rank: 1)
    }
    #expect(isRetried(driver.handle(wrong(plan))))
    plan = try nextAttempt(&driver)
    let directives = driver.handle(wrong(plan))
    #expect(directives.contains(.startRank(rank: 1, incarnation: 1, epoch: driver.core.epoch)))
  }

  @Test func silenceIsOnlyWhatWasListenedTo() throws {
    var driver = Driver(tp: 2, onRankLoss: .respawn)
    driver.open()
    let started = driver.now
    func pulse(_ rank: Int, at moment: Timestamp) -> CoordinatorEvent {
      let pulse = Pulse(
        rank: UInt32(rank), epoch: Epoch(rawValue: 1), step: StepNumber(rawValue: 0), phase: .idle)
      return .pulse(pulse, at: moment)
    }
    _ = driver.handle(pulse(0, at: started), pulse(1, at: started), .pulsesTaken(until: started))
    // The coordinator itself slept for two seconds: the pulses of that time are there, and nobody is silent.
    #expect(driver.handle(.tick, after: .seconds(2)).isEmpty)
    let recent = started + .milliseconds(1900)
    let directives = driver.handle(
      pulse(0, at: recent), .pulsesTaken(until: recent + .milliseconds(1)), after: .milliseconds(100))
    #expect(directives.contains { if case .lost(rank: 1, _, _) = $0 { true } else { false } })
    #expect(!directives.contains { if case .lost(rank: 0, _, _) = $0 { true } else { false } })
  }

  @Test func aRankThatComputesForEverIsFound() throws {
    var driver = Driver(onRankLoss: .respawn)
    driver.open()
    let plan = try #require(Driver.plans(driver.handle(Driver.request(1))).first)
    var lost = false
    for beat in 0..<200 where !lost {
      let pulse = Pulse(rank: 0, epoch: plan.epoch, step: plan.step, phase: .computing, progress: 5)
      let at = driver.now + .milliseconds(500)
      let directives = driver.handle(
        .pulse(pulse, at: at), .pulsesTaken(until: at), after: .milliseconds(500))
      lost = directives.contains { if case .lost(rank: 0, _, _) = $0 { true } else { false } }
      if lost { #expect(driver.core.settings.stallDeadline <= .milliseconds(500 * (beat + 1))) }
    }
    #expect(lost)
  }
}
