import Coordination
import Scheduling
import Testing
import Topology
import Wire

/// A core with its clock and what it said last.
struct Driver {
  var core: CoordinatorCore
  var now = Timestamp(nanoseconds: 0)

  init(
    tp: Int = 1, attnDP: Int = 1, dp: Int = 1, maxWaiting: Int = 100, onRankLoss: RankLossPolicy = .fail,
    adopts: Bool = false
  ) {
    let shape = try! MeshShape(dp: dp, attnDP: attnDP, attnDPExpert: 1, ep: 1, tp: tp)
    var limits = SchedulerLimits(pagesPerGroup: 8, maxModelLength: 32, vocabularySize: 50)
    limits.pageSize = 4
    limits.maxWaiting = maxWaiting
    var settings = CoordinatorSettings(mesh: Mesh(shape), limits: limits, buildID: "b1")
    settings.onRankLoss = onRankLoss
    settings.adoptsWorkers = adopts
    core = CoordinatorCore(settings: settings, now: now)
  }

  mutating func handle(_ events: CoordinatorEvent..., after delay: Duration = .zero) -> [CoordinatorDirective]
  {
    now = now + delay
    var directives: [CoordinatorDirective] = []
    core.handle(events, now: now, into: &directives)
    return directives
  }

  static func hello(
    _ rank: Int, build: String = "b1", version: UInt32 = 1, incarnation: UInt32 = 0
  ) -> CoordinatorEvent {
    .hello(
      Hello(
        buildID: build, protocolVersion: version, rank: UInt32(rank), incarnation: incarnation,
        processID: Int32(100 + rank),
        hostName: "n\(rank)", cpuFeatures: "", numThreads: 1))
  }

  static func ready(_ rank: Int, epoch: UInt64 = 1, incarnation: UInt32 = 0) -> CoordinatorEvent {
    .ready(
      Ready(rank: UInt32(rank), epoch: Epoch(rawValue: epoch), weightBytes: 1, numPages: 8),
      incarnation: incarnation)
  }

  static func acknowledged(_ rank: Int, epoch: UInt64, incarnation: UInt32 = 0) -> CoordinatorEvent {
    .epochAcknowledged(
      EpochAcknowledged(rank: UInt32(rank), epoch: Epoch(rawValue: epoch)), incarnation: incarnation)
  }

  static let killed = RankLoss(.killed(signal: 9), "was killed by signal 9")

  /// All ranks join and become ready.
  mutating func open() {
    for rank in 0..<core.settings.mesh.worldSize { _ = handle(Self.hello(rank), Self.ready(rank)) }
  }

  static func request(_ id: UInt64, maxTokens: Int = 3, deadline: Timestamp? = nil) -> CoordinatorEvent {
    var sampling = SamplingParameters()
    sampling.maxTokens = maxTokens
    return .submit(
      GenerationRequest(
        id: RequestID(rawValue: id), promptTokens: [1, 2, 3], sampling: sampling, deadline: deadline))
  }

  static func plans(_ directives: [CoordinatorDirective]) -> [StepPlan] {
    directives.compactMap { if case .sendPlan(let plan, _) = $0 { plan } else { nil } }
  }

  static func failure(_ directives: [CoordinatorDirective]) -> RunFailure? {
    directives.lazy.compactMap { if case .failed(let failure) = $0 { failure } else { nil } }.first
  }

  static func result(_ plan: StepPlan, group: Int, token: TokenID = 7) -> StepResult {
    var result = StepResult(epoch: plan.epoch, step: plan.step, group: Int32(group))
    result.sampled = plan.groups[group].chunks.map { SampledToken(slot: $0.slot, token: token) }
    return result
  }
}

@Suite struct CoordinatorCoreTests {
  @Test func ranksJoinAndTheFirstStepFollows() throws {
    var driver = Driver(tp: 2)
    #expect(driver.handle(Driver.request(1)).isEmpty)
    #expect(driver.handle(Driver.hello(1)) == [.configure(rank: 1)])
    #expect(driver.handle(Driver.hello(0)) == [.configure(rank: 0)])
    let progress = CoordinatorEvent.loadProgress(LoadProgress(rank: 0, bytesDone: 5, bytesTotal: 9))
    #expect(driver.handle(progress) == [.loading(bytesDone: 5, bytesTotal: 9)])
    #expect(driver.handle(Driver.ready(0)).isEmpty)
    let directives = driver.handle(Driver.ready(1))
    #expect(directives.prefix(2) == [.introduce(replica: 0, epoch: Epoch(rawValue: 1)), .serving])
    let plan = try #require(Driver.plans(directives).first)
    #expect(plan.step == StepNumber(rawValue: 1) && plan.groups.count == 1)
    let next = driver.handle(.stepResult(Driver.result(plan, group: 0), rank: 0))
    guard case .token(let token) = next.first else {
      Issue.record("no token")
      return
    }
    #expect(token.token == 7 && token.index == 0)
    #expect(Driver.plans(next).count == 1)
  }

  @Test func strangersAreTurnedAway() {
    var driver = Driver(tp: 2)
    func refusal(_ event: CoordinatorEvent) -> String {
      guard case .refuse(_, _, let text) = driver.handle(event).first else { return "accepted" }
      return text
    }
    #expect(refusal(Driver.hello(0, build: "b2")).contains("build b2"))
    #expect(refusal(Driver.hello(0, version: 9)).contains("protocol 9"))
    #expect(refusal(Driver.hello(2)).contains("ranks are 0 to 1"))
    #expect(refusal(Driver.hello(0)) == "accepted")
    #expect(refusal(Driver.hello(0)).contains("taken by process 100 on n0"))
  }

  @Test func everyWaitHasADeadline() throws {
    var late = Driver(tp: 2)
    _ = late.handle(Driver.hello(0))
    #expect(late.core.nextDeadline == Timestamp(nanoseconds: 0) + late.core.settings.joinDeadline)
    let missing = Driver.failure(late.handle(.tick, after: late.core.settings.joinDeadline))
    #expect(missing?.rank == 1 && missing?.description.contains("has not joined") == true)

    var stuck = Driver()
    _ = stuck.handle(Driver.hello(0))
    let progress = CoordinatorEvent.loadProgress(LoadProgress(rank: 0, bytesDone: 5, bytesTotal: 9))
    _ = stuck.handle(progress, after: .seconds(100))
    #expect(Driver.failure(stuck.handle(progress, after: .seconds(100))) == nil)
    #expect(Driver.failure(stuck.handle(.tick, after: .seconds(20)))?.rank == 0)

    var slow = Driver(attnDP: 2)
    slow.open()
    let plan = try #require(Driver.plans(slow.handle(Driver.request(1))).first)
    _ = slow.handle(.stepResult(Driver.result(plan, group: 0), rank: 0))
    let failure = Driver.failure(slow.handle(.tick, after: slow.core.settings.stepDeadline))
    #expect(failure?.rank == 1 && failure?.code == .collectiveDeadline)
    #expect(slow.core.nextDeadline == nil)

    var silent = Driver(tp: 2)
    silent.open()
    for rank in 0..<2 {
      let pulse = Pulse(
        rank: UInt32(rank), epoch: Epoch(rawValue: 1), step: StepNumber(rawValue: 0), phase: .computing)
      let at = silent.now + .milliseconds(600)
      #expect(silent.handle(.pulse(pulse, at: at), after: .milliseconds(600)).isEmpty)
    }
    let hung = Driver.failure(silent.handle(.tick, after: .milliseconds(400)))
    #expect(hung?.rank == 0 && hung?.description.contains("silent") == true)
  }

  @Test func aLostRankEndsEveryRequestAndIsNamed() {
    var driver = Driver(tp: 2)
    driver.open()
    _ = driver.handle(Driver.request(1), Driver.request(2))
    let directives = driver.handle(.rankLost(rank: 1, Driver.killed))
    let text = "rank 1 (process 101 on n1) was killed by signal 9"
    var ended = 0
    for directive in directives {
      if case .finished(let end) = directive {
        ended += 1
        #expect(end.cause == .failure(text))
      }
    }
    #expect(ended == 2)
    #expect(Driver.failure(directives)?.description == text)
    #expect(
      driver.handle(Driver.request(3)).first
        == .refused(
          RequestID(rawValue: 3), Refusal("the run has failed: " + text, kind: .unavailable)))
    #expect(driver.handle(.rankLost(rank: 0, Driver.killed)).isEmpty)
  }

  @Test func staleAndFalseResults() throws {
    var driver = Driver(attnDP: 2)
    driver.open()
    let plan = try #require(Driver.plans(driver.handle(Driver.request(1))).first)
    var stale = Driver.result(plan, group: 0)
    stale.epoch = Epoch(rawValue: 0)
    #expect(driver.handle(.stepResult(stale, rank: 0)).isEmpty)
    stale = Driver.result(plan, group: 0)
    stale.step = stale.step.next
    #expect(driver.handle(.stepResult(stale, rank: 0)).isEmpty)
    #expect(driver.core.statistics.staleResults == 2)
    var impostor = driver
    #expect(Driver.failure(impostor.handle(.stepResult(Driver.result(plan, group: 0), rank: 1)))?.rank == 1)
    var empty = Driver.result(plan, group: 0)
    empty.sampled = []
    #expect(Driver.failure(driver.handle(.stepResult(empty, rank: 0)))?.code == .malformedMessage)
  }

  @Test func drainingFinishesWhatIsThere() throws {
    var driver = Driver()
    driver.open()
    let plan = try #require(Driver.plans(driver.handle(Driver.request(1, maxTokens: 1))).first)
    #expect(driver.handle(.drain).isEmpty)
    guard case .refused = driver.handle(Driver.request(2)).first else {
      Issue.record("a request was taken while draining")
      return
    }
    #expect(driver.handle(.stepResult(Driver.result(plan, group: 0), rank: 0)).last == .drained)
    #expect(!driver.core.isOpen)
  }

  @Test func cancelsStopsAndDeadlines() throws {
    var driver = Driver()
    driver.open()
    let deadline = Timestamp(nanoseconds: 5_000_000)
    _ = driver.handle(Driver.request(1), Driver.request(2), Driver.request(3, deadline: deadline))
    #expect(driver.core.nextDeadline == deadline)
    func causes(_ directives: [CoordinatorDirective]) -> [FinishCause] {
      directives.compactMap { if case .finished(let end) = $0 { end.cause } else { nil } }
    }
    #expect(
      causes(driver.handle(.cancel(RequestID(rawValue: 1)), .cancel(RequestID(rawValue: 9)))) == [.cancelled])
    #expect(causes(driver.handle(.stop(RequestID(rawValue: 2), completion: 1))) == [])
    #expect(causes(driver.handle(.stop(RequestID(rawValue: 2), completion: 0))) == [.stopString])
    #expect(causes(driver.handle(.tick, after: .milliseconds(5))) == [.deadline])
    #expect(causes(driver.handle(.shutdown("bye"))) == [])
    guard case .refused(_, let text) = driver.handle(Driver.request(4)).first else {
      Issue.record("a request was taken after the end")
      return
    }
    #expect(text.text.contains("ending"))
  }

  @Test func replicasStepOnTheirOwn() throws {
    var driver = Driver(dp: 2)
    driver.open()
    let directives = driver.handle(Driver.request(1), Driver.request(2))
    #expect(Driver.plans(directives).count == 2)
    let plan = Driver.plans(directives)[1]
    let next = driver.handle(.stepResult(Driver.result(plan, group: 0), rank: 1))
    #expect(Driver.plans(next).count == 1)
    #expect(driver.core.numUnfinished == 2)
  }

  /// A full queue says when there will be room: at the pace at which requests have ended.
  @Test func aFullQueueSaysWhenToComeBack() throws {
    var driver = Driver(maxWaiting: 2)
    driver.open()
    func refusal(_ directives: [CoordinatorDirective]) -> Refusal? {
      directives.lazy.compactMap { if case .refused(_, let refusal) = $0 { refusal } else { nil } }.first
    }
    // Pages for two at once, so that others wait.
    var plan = try #require(Driver.plans(driver.handle(Driver.request(1, maxTokens: 1))).first)
    #expect(
      refusal(driver.handle(Driver.request(2), Driver.request(3), Driver.request(4)))?.kind
        == .busy(retryAfter: .seconds(1)))
    // One ends after twelve seconds; the next one is likely to take as long.
    let done = driver.handle(.stepResult(Driver.result(plan, group: 0), rank: 0), after: .seconds(12))
    plan = try #require(Driver.plans(done).first)
    let answers = driver.handle(
      Driver.request(5), Driver.request(6), Driver.request(7), after: .seconds(12))
    let late = try #require(refusal(answers))
    guard case .busy(let pause) = late.kind else {
      Issue.record("refused as \(late.kind)")
      return
    }
    #expect(pause == .seconds(12) && late.text.contains("try again in about 12 s"))
  }
}
