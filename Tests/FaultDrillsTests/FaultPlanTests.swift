import FaultDrills
import Testing
import Wire

@Suite struct FaultPlanTests {
  /// Kinds that need more than any run offers: root, a file, keys, or all ranks of a host.
  private static let notRandom: [Fault.Kind] = [
    .hostLoss, .coordinatorKill, .diskFull, .outOfMemory,
    .nan, .bitFlip, .checkpointCorrupt, .checkpointMissing,
    .wrongVersion, .stranger, .clockJump, .activationFlip,
  ]

  @Test func aPlanIsRead() throws {
    let text = """
      seed: 9
      faults:
        - {kind: kill, rank: 1, after_tokens: 20}
        - {kind: pause, rank: 0, after_tokens: 30, for_ms: 120}
        - {kind: stop, rank: 0, during: recovery}
        - {kind: drop, link: [1, 0], at_step: 7, amount: 0.5, times: 2, operation: 3}
        - {kind: partition, ranks: [1], at_ms: 40, for_ms: 300}
        - {kind: delay, chance: 0.25, amount: 100}
        - {kind: host-loss, host: 0, after_tokens: 1}
        - {kind: kill, role: follower, after_tokens: 1}
      """
    let plan = try FaultPlan(yaml: text, path: "p.yaml", worldSize: 2)
    #expect(plan.seed == 9 && plan.expectsSuccess)
    #expect(
      plan.faults == [
        Fault(.kill, rank: 1, trigger: .tokens(20)),
        Fault(.pause, rank: 0, trigger: .tokens(30), milliseconds: 120),
        Fault(.stop, rank: 0, trigger: .recovery),
        Fault(.drop, .link(from: 1, to: 0), trigger: .step(7), amount: 0.5, times: 2, operation: 3),
        Fault(.partition, .ranks([1]), trigger: .milliseconds(40), milliseconds: 300),
        Fault(.delay, .everywhere, trigger: .chance(0.25), amount: 100),
        Fault(.hostLoss, .ranks([0, 1]), trigger: .tokens(1)),
        Fault(.kill, rank: 1, trigger: .tokens(1)),
      ])
  }

  @Test(arguments: [
    ("faults: []", "1 to 1000 'faults'"),
    ("fault: 1", "there is no 'fault' here"),
    ("[1]", "must be a mapping"),
    ("faults: [{kind: burn, rank: 0, after_tokens: 1}]", "the kind is 'burn'"),
    ("faults: [{kind: kill, rank: 2, after_tokens: 1}]", "give 0 to 1"),
    ("faults: [{kind: kill, rank: 0}]", "give either after_tokens"),
    ("faults: [{kind: kill, rank: 0, after_tokens: 0}]", "not at least 1"),
    ("faults: [{kind: kill, rank: 0, during: lunch}]", "only be recovery"),
    ("faults: [{kind: pause, rank: 0, after_tokens: 1, for_ms: 0}]", "for_ms"),
    ("faults: [{kind: kill, link: [0, 1], after_tokens: 1}]", "for faults of links"),
    ("faults: [{kind: drop, link: [0, 0], after_tokens: 1}]", "two different ranks"),
    ("faults: [{kind: cut, after_tokens: 1}]", "the rank is missing"),
    ("faults: [{kind: kill, rank: 0, times: 2, after_tokens: 1}]", "are for faults of links"),
    ("faults: [{kind: kill, rank: 0, link: [0, 1], after_tokens: 1}]", "give one of rank, link"),
    ("faults: [{kind: kill, host: 3, after_tokens: 1}]", "the host is not one"),
    ("faults: [{kind: drop, amount: 0, after_tokens: 1}]", "amount is not"),
    ("deadline_ms: 5\nfaults: [{kind: drop, after_tokens: 1}]", "'deadline_ms' is not"),
    ("expect: maybe\nfaults: [{kind: kill, rank: 0, after_tokens: 1}]", "give pass or fail"),
    ("faults: [", "is not YAML"),
  ])
  func aWrongPlanIsRefused(text: String, complaint: String) {
    let error = #expect(throws: FaultPlanError.self) {
      try FaultPlan(yaml: text, path: "p.yaml", worldSize: 2)
    }
    #expect(error?.description.contains(complaint) == true, "\(error?.description ?? "")")
  }

  @Test func randomPlansFollowFromTheirSeeds() {
    let plans = (UInt64(0)..<200).map { FaultPlan.random(seed: $0, worldSize: 4, tokens: 100) }
    #expect(plans == (UInt64(0)..<200).map { FaultPlan.random(seed: $0, worldSize: 4, tokens: 100) })
    let faults = plans.flatMap(\.faults)
    #expect(Set(faults.map(\.kind)) == Set(Fault.Kind.allCases).subtracting(FaultPlanTests.notRandom))
    #expect(Set(faults.map(\.rank)) == [0, 1, 2, 3])
    #expect(!FaultPlan.random(seed: 3, worldSize: 1, tokens: 100).faults.contains { $0.kind.isLink })
    #expect(plans.contains { $0.faults.contains { $0.trigger == .recovery } })
  }

  @Test func theVerdictSeesEveryDifference() {
    let plan = FaultPlan(name: "p", faults: [])
    let reference: [[TokenID]] = [[1, 2, 3], [4, 5, 6]]
    func verdict(_ streams: [[TokenID]], outOfOrder: Int = 0, finished: Int = 2) -> DrillVerdict {
      DrillVerdict(
        DrillOutcome(streams: streams, outOfOrder: outOfOrder, finished: finished), reference: reference,
        plan: plan)
    }
    #expect(verdict(reference).passed)
    let lost = verdict([[1, 2, 3], [4]])
    #expect(!lost.passed && lost.lost == 2 && lost.changed == 0)
    let changed = verdict([[1, 2, 3], [4, 5, 7]])
    #expect(!changed.passed && changed.changed == 1 && changed.lost == 0)
    #expect(!verdict([[1, 2, 3], [4, 5, 6, 6]]).passed)
    #expect(!verdict(reference, outOfOrder: 1).passed)
    #expect(!verdict(reference, finished: 1).passed)
  }

  @Test func aVisitorMustBeTurnedAway() {
    let fault = Fault(.wrongVersion, rank: 0, trigger: .tokens(1))
    let plan = FaultPlan(name: "p", faults: [fault], needsEveryFault: true)
    var outcome = DrillOutcome(streams: [[1]], finished: 1)
    outcome.faults = [DrillOutcome.FaultTimes(fault: fault)]
    outcome.faults[0].injected = 1
    #expect(
      DrillVerdict(outcome, reference: [[1]], plan: plan).complaint?.contains("not turned away") == true)
    outcome.faults[0].detected = 2
    #expect(DrillVerdict(outcome, reference: [[1]], plan: plan).passed)
  }

  @Test func theReportNeedsNothingBesideItself() {
    let fault = Fault(.cut, .link(from: 1, to: 0), trigger: .tokens(1), milliseconds: 300)
    let plan = FaultPlan(name: "p", faults: [fault])
    var outcome = DrillOutcome(streams: [[1]], finished: 1)
    outcome.milliseconds = 100
    outcome.tokenMoments = [1, 50]
    outcome.faults = [DrillOutcome.FaultTimes(fault: fault)]
    outcome.faults[0].injected = 10
    outcome.faults[0].detected = 30
    outcome.story = [(10, 1, "<b> & so on")]
    let verdict = DrillVerdict(outcome, reference: [[1]], plan: plan)
    let page = DrillReport.html(
      title: "t", mesh: "tp=2", ranks: 2, plan: plan, outcome: outcome, verdict: verdict)
    #expect(
      page.contains("link from 1 to 0") && page.contains("20.0 ms") && page.contains("&lt;b&gt; &amp; so on"))
    #expect(!page.contains("http") && !page.contains("nan") && !page.contains("inf'"))
  }

  /// A plan that tests nothing does not pass, and an error must be the one that was meant.
  @Test func theVerdictIsThatOfThePlan() {
    let fault = Fault(.kill, rank: 0, trigger: .tokens(5))
    var plan = FaultPlan(name: "p", faults: [fault], needsEveryFault: true)
    var outcome = DrillOutcome(streams: [[1]], finished: 1)
    outcome.faults = [DrillOutcome.FaultTimes(fault: fault)]
    #expect(DrillVerdict(outcome, reference: [[1]], plan: plan).complaint?.contains("no occasion") == true)
    outcome.faults[0].injected = 3
    #expect(DrillVerdict(outcome, reference: [[1]], plan: plan).passed)
    plan.expectsSuccess = false
    #expect(!DrillVerdict(outcome, reference: [[1]], plan: plan).passed)
    outcome.failure = "the link from rank 1 to rank 0 does not work"
    plan.expectedError = "the link from rank 1"
    #expect(DrillVerdict(outcome, reference: [[1]], plan: plan).passed)
    plan.expectedError = "rank 7"
    #expect(!DrillVerdict(outcome, reference: [[1]], plan: plan).passed)
    plan.expectedError = nil
    outcome.streams = [[2]]
    #expect(!DrillVerdict(outcome, reference: [[1]], plan: plan).passed)
  }
}
