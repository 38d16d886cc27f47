import Scheduling
import SimulationSupport
import Testing
import Wire

@Suite struct SchedulerEndingTests {
  typealias Harness = SchedulerHarness

  @Test func endOfSequenceStopIdsAndMinTokens() throws {
    var limits = Harness.limits()
    let prompt = Harness.prompt(5)
    let free = Harness(limits).alone(prompt, Harness.greedy(20))
    let end = free[3]
    limits.endOfSequenceTokens = [end.rawValue]
    var harness = Harness(limits)
    let plain = harness.submit(prompt, Harness.greedy(20))
    var ignoring = Harness.greedy(20)
    ignoring.ignoreEOS = true
    let ignored = harness.submit(prompt, ignoring)
    var stopping = ignoring
    stopping.stopTokenIDs = [free[1]]
    let stopped = harness.submit(prompt, stopping)
    var longer = Harness.greedy(20)
    longer.minTokens = 6
    let long = harness.submit(prompt, longer)
    try harness.runToEnd()
    #expect(harness.tokens[plain] == Array(free[...(free.firstIndex(of: end)!)]))
    #expect(harness.finished[plain]?.cause == .endOfSequence(end))
    #expect(harness.tokens[ignored] == free)
    #expect(harness.finished[ignored]?.cause == .maxTokens)
    #expect(harness.finished[ignored]?.cause.reason == .length)
    #expect(harness.finished[stopped]?.cause == .stopToken(free[1]))
    #expect(harness.tokens[stopped]?.last == free[1])
    #expect(harness.tokens[long] == harness.alone(prompt, longer))
    #expect(harness.tokens[long]!.count >= 6)
    #expect(harness.tokens[long]!.prefix(5).contains(end) == false)
  }

  @Test func theModelLengthEndsASequence() throws {
    var harness = Harness(Harness.limits(pages: 3, pageSize: 4, length: 100))
    let id = harness.submit(Harness.prompt(5), Harness.greedy(nil))
    try harness.runToEnd()
    #expect(harness.finished[id]?.cause == .modelLength)
    #expect(harness.tokens[id]?.count == 12 - 5)
  }

  @Test func stopAndCancelInTheMiddleOfAStepFreeAtOnce() throws {
    var harness = Harness(Harness.limits(pages: 8))
    let first = harness.submit(Harness.prompt(9), Harness.greedy(20))
    let second = harness.submit(Harness.prompt(6, salt: 3), Harness.greedy(20))
    try harness.advance()
    let plan = try harness.mustPlan()
    harness.handle(.stop(first))
    harness.handle(.cancel(RequestID(rawValue: second.rawValue)))
    harness.handle(.stop(first))
    harness.handle(.cancel(RequestID(rawValue: 99)))
    #expect(harness.scheduler.numAvailablePages(group: 0) == 8)
    #expect(harness.finished[first]?.cause == .stopString)
    #expect(harness.finished[second]?.cause.reason == .abort)
    try harness.complete(plan)
    #expect(harness.tokens[first]?.count == 1)
    harness.check()
    let none = harness.plan()
    #expect(none == nil)
    // The slots are released together with the next admission.
    harness.submit(Harness.prompt(3), Harness.greedy(1))
    let next = try harness.mustPlan()
    #expect(next.groups[0].releases.count == 2)
  }

  @Test func deadlinesEndSequencesWithWhatTheyHave() throws {
    var harness = Harness(Harness.limits())
    let late = harness.submit(
      Harness.prompt(3), Harness.greedy(50), deadline: Timestamp(nanoseconds: 1000))
    let later = harness.submit(
      Harness.prompt(4), Harness.greedy(3), deadline: Timestamp(nanoseconds: 5000))
    #expect(harness.scheduler.nextDeadline == Timestamp(nanoseconds: 1000))
    try harness.advance()
    var directives: [SchedulerDirective] = []
    harness.scheduler.expire(now: Timestamp(nanoseconds: 999), into: &directives)
    #expect(directives.isEmpty)
    harness.scheduler.expire(now: Timestamp(nanoseconds: 1000), into: &directives)
    harness.note(directives)
    #expect(harness.finished[late]?.cause == .deadline)
    #expect(harness.finished[late]?.numOutputTokens == 1)
    #expect(harness.scheduler.nextDeadline == Timestamp(nanoseconds: 5000))
    try harness.runToEnd()
    #expect(harness.finished[later]?.cause == .maxTokens)
  }

  @Test func unusableRequestsAreRefused() {
    var limits = Harness.limits(pages: 4, pageSize: 4, length: 100)
    limits.maxWaiting = 2
    var harness = Harness(limits)
    func refusal(_ prompt: [TokenID], _ sampling: SamplingParameters, _ outputs: OutputRequest = .sample)
      -> String
    {
      let id = harness.submit(prompt, sampling, outputs: outputs)
      return harness.refused[RequestID(rawValue: id.rawValue)] ?? "accepted"
    }
    #expect(refusal([], Harness.greedy(1)).contains("no tokens"))
    #expect(refusal([97], Harness.greedy(1)).contains("vocabulary"))
    #expect(refusal([-1], Harness.greedy(1)).contains("vocabulary"))
    #expect(refusal(Harness.prompt(16), Harness.greedy(1)).contains("at most 15"))
    #expect(refusal(Harness.prompt(17), Harness.greedy(1), .scoreTargets).contains("at most 16"))
    #expect(refusal([1], Harness.greedy(0)).contains("max_tokens"))
    #expect(refusal([1], Harness.greedy(1), []).contains("no output"))
    var many = SamplingParameters()
    many.n = 3
    #expect(refusal([1], many, .logits).contains("one completion"))
    #expect(refusal([1], many).contains("0 sequences wait, at most 2 may"))
    #expect(refusal([1], Harness.greedy(1)) == "accepted")
  }

  @Test(arguments: [4, 7, 100]) func scoresComeOnceEachAcrossPreemption(chunk: Int) throws {
    // Two sequences that decode push the scored one out.
    var limits = Harness.limits(pages: 14, pageSize: 4, length: 56, sequences: 4, batch: 16)
    limits.prefillChunk = chunk
    var harness = Harness(limits)
    for salt in 0..<2 { harness.submit(Harness.prompt(6, salt: salt), Harness.greedy(24)) }
    let prompt = Harness.prompt(30, salt: 8)
    let scored = harness.submit(prompt, Harness.greedy(1), outputs: [.scoreTargets, .hidden, .logits])
    try harness.runToEnd()
    #expect(harness.finished[scored]?.cause == .outputsComplete)
    let alone = Harness(Harness.limits(pages: 20, length: 56, batch: 60))
    var reference = alone
    let other = reference.submit(prompt, Harness.greedy(1), outputs: [.scoreTargets, .hidden, .logits])
    try reference.runToEnd()
    for kind in [StepPayload.Kind.scores, .hidden, .logits] {
      let parts = harness.payloads[scored]!.filter { $0.kind == kind }
      let whole = reference.payloads[other]!.filter { $0.kind == kind }
      #expect(whole.count == 1)
      #expect(parts.flatMap(\.floats) == whole[0].floats)
      var next = whole[0].startPosition
      for part in parts {
        #expect(part.startPosition == next)
        next += part.rows
      }
    }
    #expect(reference.payloads[other]!.first { $0.kind == .scores }!.rows == 29)
  }

  @Test func resultsThatDoNotAnswerThePlanAreRefused() throws {
    var harness = Harness(Harness.limits(groups: 2))
    harness.submit(Harness.prompt(3), Harness.greedy(5))
    let plan = try harness.mustPlan()
    let good = harness.replica.run(plan, group: 0)
    var directives: [SchedulerDirective] = []
    let changes: [(inout StepResult) -> Void] = [
      { $0.group = 2 }, { $0.group = -1 }, { $0.sampled = [] }, { $0.sampled += $0.sampled },
      { $0.sampled[0].slot += 1 }, { $0.sampled[0].token = 97 },
      {
        $0.payloads = [StepPayload(slot: 0, kind: .logits, startPosition: 0, rows: 0, columns: 0, bytes: [])]
      },
    ]
    for change in changes {
      var bad = good
      change(&bad)
      #expect(throws: StepResultError.self) { try harness.scheduler.complete(bad, into: &directives) }
    }
    #expect(directives.isEmpty)
    try harness.scheduler.complete(good, into: &directives)
    #expect(directives.count == 1)
    #expect(throws: StepResultError.self) { try harness.scheduler.complete(good, into: &directives) }
  }

  @Test(arguments: 0..<8) func anAbandonedStepLosesNothing(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    var harness = Harness(Harness.limits(pages: 20, length: 60, sequences: 4, batch: 12, groups: 3))
    var expected: [SequenceID: [TokenID]] = [:]
    for number in 0..<12 {
      let prompt = Harness.prompt(2 + random.below(20), salt: random.below(3))
      expected[harness.submit(prompt, Harness.greedy(8 + number))] = harness.alone(
        prompt, Harness.greedy(8 + number))
    }
    while let plan = harness.plan() {
      var groups = Array(0..<3).shuffled(using: &random)
      if random.oneIn(4) {
        groups.removeLast(1 + random.below(3))
        try harness.complete(plan, groups: groups)
        let lost = Set((0..<3).filter { _ in random.oneIn(3) })
        for group in lost { harness.replica.wipe(group: group) }
        harness.scheduler.abandonStep(lostGroups: lost)
      } else {
        try harness.complete(plan, groups: groups)
      }
      harness.check()
    }
    #expect(harness.tokens == expected, "seed \(seed)")
  }
}
