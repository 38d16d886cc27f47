import Scheduling
import SimulationSupport
import Testing
import Wire

@Suite struct SchedulerTests {
  typealias Harness = SchedulerHarness

  @Test(arguments: [1, 7, 64, Int.max], [1, 4, 16])
  func chunksNeverChangeAnything(chunk: Int, pageSize: Int) throws {
    var limits = Harness.limits(pages: 512 / pageSize, pageSize: pageSize, batch: 40)
    limits.prefillChunk = chunk
    var harness = Harness(limits)
    var expected: [SequenceID: [TokenID]] = [:]
    for (number, length) in [1, 5, 16, 33, 100].enumerated() {
      let prompt = Harness.prompt(length, salt: number)
      expected[harness.submit(prompt, Harness.greedy(9))] = harness.alone(prompt, Harness.greedy(9))
    }
    try harness.runToEnd()
    #expect(harness.tokens == expected)
    for plan in harness.plans {
      #expect(plan.numTokens <= 40)
      #expect(plan.groups[0].chunks.allSatisfy { $0.tokens.count <= chunk })
    }
  }

  @Test func decodeIsNotStarvedByPrefill() throws {
    var harness = Harness(Harness.limits(pages: 200, sequences: 4, batch: 8))
    harness.submit(Harness.prompt(100), Harness.greedy(4))
    for _ in 0..<3 { try harness.advance() }
    let short = harness.submit(Harness.prompt(2, salt: 5), Harness.greedy(20))
    // The long prompt takes whole steps until its end; from then on both advance.
    while harness.tokens[short] == nil { try harness.advance() }
    harness.submit(Harness.prompt(90, salt: 3), Harness.greedy(1))
    let before = harness.tokens[short]!.count
    for count in 1...5 {
      try harness.advance()
      #expect(harness.tokens[short]!.count == before + count)
    }
    try harness.runToEnd()
  }

  @Test func theLatestIsPreemptedAndSaysTheSame() throws {
    // 8 pages of 4: two sequences of 10 + 12 tokens need 6 pages each.
    var limits = Harness.limits(pages: 8, length: 32, sequences: 4)
    limits.cachesPrefixes = false
    var harness = Harness(limits)
    let (a, b) = (Harness.prompt(10), Harness.prompt(10, salt: 4))
    let first = harness.submit(a, Harness.greedy(12))
    let second = harness.submit(b, Harness.greedy(12))
    try harness.runToEnd()
    #expect(harness.scheduler.statistics.preemptions > 0)
    #expect(harness.tokens[first] == harness.alone(a, Harness.greedy(12)))
    #expect(harness.tokens[second] == harness.alone(b, Harness.greedy(12)))
    // The first is admitted once; the second is told its emitted tokens when it comes back.
    let admissions = harness.plans.flatMap { $0.groups[0].admissions }
    #expect(admissions.filter { $0.sequence == first }.count == 1)
    #expect(admissions.last { $0.sequence == second }!.outputTokens.isEmpty == false)
  }

  @Test func aCachedPrefixIsNotComputedAgain() throws {
    var harness = Harness(Harness.limits())
    let prompt = Harness.prompt(16)
    let first = harness.submit(prompt, Harness.greedy(3))
    try harness.runToEnd()
    let rows = harness.scheduler.statistics.rows
    #expect(rows == 18)
    let second = harness.submit(prompt + [3], Harness.greedy(1))
    let third = harness.submit(prompt, Harness.greedy(3))
    try harness.runToEnd()
    // 16 of 17 tokens are there; of an equal prompt all but the last page.
    #expect(harness.finished[second]?.numCachedTokens == 16)
    #expect(harness.finished[third]?.numCachedTokens == 12)
    #expect(harness.scheduler.statistics.rows - rows == 1 + 4 + 2)
    #expect(harness.tokens[third] == harness.tokens[first])
    #expect(harness.tokens[second] == harness.alone(prompt + [3], Harness.greedy(1)))
  }

  @Test(arguments: [true, false]) func completionsShareThePrompt(cached: Bool) throws {
    var limits = Harness.limits()
    limits.cachesPrefixes = cached
    var harness = Harness(limits)
    var sampling = SamplingParameters()
    (sampling.n, sampling.maxTokens, sampling.seed) = (4, 5, 11)
    let prompt = Harness.prompt(18)
    let first = harness.submit(prompt, sampling)
    try harness.runToEnd()
    // 18 rows, then 3 x 2 (the pages of 16 are shared), then 4 rows for each completion.
    #expect(harness.scheduler.statistics.rows == 18 + 3 * 2 + 4 * 4)
    var keys = Set<UInt64>()
    for admission in harness.plans.flatMap({ $0.groups[0].admissions }) {
      keys.insert(admission.randomKey)
      let expected = harness.alone(prompt, sampling, randomKey: admission.randomKey)
      #expect(harness.tokens[admission.sequence] == expected)
    }
    #expect(keys.count == 4 && keys.contains(11))
    #expect(harness.finished[first]?.request == RequestID(rawValue: first.rawValue))
    #expect(harness.finished.values.filter(\.isLast).count == 1)
  }

  @Test func aRequestGoesToItsPrefixThenToTheLeastLoaded() throws {
    var harness = Harness(Harness.limits(sequences: 2, groups: 3))
    let prompt = Harness.prompt(12)
    harness.submit(Harness.prompt(3, salt: 1), Harness.greedy(30))
    harness.submit(prompt, Harness.greedy(30))
    harness.submit(Harness.prompt(2, salt: 2), Harness.greedy(30))
    let plan = try harness.mustPlan()
    #expect(plan.groups.map { $0.admissions.map(\.sequence.rawValue) } == [[1], [2], [3]])
    try harness.complete(plan)
    // Group 1 holds the most tokens, and the prefix; group 2 the fewest tokens.
    func place(_ prompt: [TokenID], _ outputs: OutputRequest = .sample) -> Int {
      let request = GenerationRequest(id: RequestID(rawValue: 50), promptTokens: prompt, outputs: outputs)
      return harness.scheduler.placement(of: request).group
    }
    #expect(place(prompt) == 1)
    #expect(place(prompt, .scoreTargets) == 2)
    #expect(place(Harness.prompt(12, salt: 9)) == 2)
    harness.submit(prompt, Harness.greedy(30))
    // Now group 1 is full: a group with room wins over the prefix.
    #expect(place(prompt) == 2)
    try harness.runToEnd()
  }

  @Test func emptyGroupsStepAlong() throws {
    var harness = Harness(Harness.limits(groups: 3))
    harness.submit(Harness.prompt(3), Harness.greedy(2))
    let plan = try harness.mustPlan()
    #expect(plan.groups.count == 3)
    #expect(plan.groups.map(\.numTokens) == [3, 0, 0])
    try harness.complete(plan, groups: [1])
    #expect(harness.scheduler.isStepInFlight)
    try harness.complete(plan, groups: [2, 0])
    #expect(!harness.scheduler.isStepInFlight)
  }

  @Test func priorityComesFirst() throws {
    var harness = Harness(Harness.limits(sequences: 1))
    harness.submit(Harness.prompt(3), Harness.greedy(2))
    harness.submit(Harness.prompt(4), Harness.greedy(2), priority: 1)
    let urgent = harness.submit(Harness.prompt(5), Harness.greedy(2), priority: -1)
    let plan = try harness.mustPlan()
    #expect(plan.groups[0].admissions.map(\.sequence) == [urgent])
    try harness.complete(plan)
    try harness.runToEnd()
  }

  @Test func sameEventsSamePlans() throws {
    func run() throws -> [StepPlan] {
      var harness = Harness(Harness.limits(pages: 12, length: 40, sequences: 4, batch: 10, groups: 2))
      for number in 0..<12 {
        var sampling = SamplingParameters()
        (sampling.n, sampling.maxTokens) = (1 + number % 2, 10 + number)
        harness.submit(Harness.prompt(3 + number, salt: number % 3), sampling)
      }
      try harness.runToEnd()
      return harness.plans
    }
    #expect(try run() == run())
  }
}
