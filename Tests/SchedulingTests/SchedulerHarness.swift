import Scheduling
import SimulationSupport
import Testing
import Wire

/// One scheduler with the fake workers it needs, stepped by hand.
struct SchedulerHarness {
  var scheduler: Scheduler
  var replica: FakeReplica
  var model: FakeModel
  var step = StepNumber(rawValue: 0)
  var nextSequence: UInt64 = 1
  var tokens: [SequenceID: [TokenID]] = [:]
  var finished: [SequenceID: FinishedSequence] = [:]
  var refused: [RequestID: String] = [:]
  var payloads: [SequenceID: [StepPayload]] = [:]
  var plans: [StepPlan] = []

  init(_ limits: SchedulerLimits) {
    model = FakeModel(vocabularySize: limits.vocabularySize)
    scheduler = Scheduler(limits: limits)
    replica = FakeReplica(
      model: model, numGroups: limits.numGroups, numPages: limits.pagesPerGroup, pageSize: limits.pageSize,
      maxSequences: limits.maxSequences)
  }

  static func limits(
    pages: Int = 64, pageSize: Int = 4, length: Int = 128, sequences: Int = 8, batch: Int = 64,
    groups: Int = 1
  ) -> SchedulerLimits {
    var limits = SchedulerLimits(pagesPerGroup: pages, maxModelLength: length, vocabularySize: 97)
    limits.pageSize = pageSize
    limits.maxSequences = sequences
    limits.maxBatchedTokens = batch
    limits.numGroups = groups
    return limits
  }

  static func prompt(_ count: Int, salt: Int = 0) -> [TokenID] {
    (0..<count).map { TokenID(($0 * 13 + salt * 7 + 1) % 97) }
  }

  static func greedy(_ maxTokens: Int?) -> SamplingParameters {
    var sampling = SamplingParameters()
    sampling.temperature = 0
    sampling.maxTokens = maxTokens
    return sampling
  }

  /// Hands a request in and returns the id of its first sequence.
  @discardableResult
  mutating func submit(
    _ prompt: [TokenID], _ sampling: SamplingParameters, outputs: OutputRequest = .sample, priority: Int = 0,
    deadline: Timestamp? = nil
  ) -> SequenceID {
    let first = SequenceID(rawValue: nextSequence)
    let request = GenerationRequest(
      id: RequestID(rawValue: nextSequence), promptTokens: prompt, sampling: sampling, outputs: outputs,
      priority: priority, deadline: deadline)
    nextSequence += UInt64(max(1, sampling.n))
    handle(.submit(request, firstSequence: first))
    return first
  }

  mutating func handle(_ event: SchedulerEvent) {
    var directives: [SchedulerDirective] = []
    scheduler.handle(event, into: &directives)
    note(directives)
  }

  mutating func note(_ directives: [SchedulerDirective]) {
    for directive in directives {
      switch directive {
      case .refused(let request, let reason): refused[request] = reason.text
      case .token(let emitted):
        #expect(emitted.index == tokens[emitted.sequence, default: []].count, "a token is lost or repeated")
        #expect(finished[emitted.sequence] == nil, "a token after the end")
        tokens[emitted.sequence, default: []].append(emitted.token)
      case .payload(let payload): payloads[payload.sequence, default: []].append(payload.payload)
      case .finished(let end):
        #expect(finished.updateValue(end, forKey: end.sequence) == nil, "finished twice")
      }
    }
  }

  /// Plans a step; nil when there is none.
  mutating func plan() -> StepPlan? {
    step = step.next
    let plan = scheduler.plan(epoch: Epoch(rawValue: 0), step: step)
    if let plan { plans.append(plan) }
    return plan
  }

  /// Plans a step that must exist.
  mutating func mustPlan() throws -> StepPlan {
    let plan = plan()
    return try #require(plan)
  }

  /// Plans and computes one step that must exist.
  mutating func advance() throws {
    let plan = try mustPlan()
    try complete(plan)
  }

  mutating func complete(_ plan: StepPlan, groups: [Int]? = nil) throws {
    for group in groups ?? Array(plan.groups.indices) {
      var directives: [SchedulerDirective] = []
      try scheduler.complete(replica.run(plan, group: group), into: &directives)
      note(directives)
    }
  }

  /// Steps until nothing is left, checking the books after each step.
  mutating func runToEnd(maxSteps: Int = 10_000) throws {
    var steps = 0
    while let plan = plan() {
      try complete(plan)
      check()
      steps += 1
      try #require(steps < maxSteps, "no end in sight")
    }
    #expect(scheduler.numUnfinished == 0)
    for group in 0..<scheduler.limits.numGroups {
      #expect(scheduler.numAvailablePages(group: group) == scheduler.limits.pagesPerGroup, "pages leaked")
    }
  }

  func check() {
    #expect(scheduler.problems() == [])
    #expect(replica.complaints == [])
  }

  func alone(_ prompt: [TokenID], _ sampling: SamplingParameters, randomKey: UInt64 = 0) -> [TokenID] {
    model.outputAlone(
      prompt: prompt, sampling: sampling, randomKey: randomKey,
      endOfSequence: scheduler.limits.endOfSequenceTokens, limit: scheduler.limits.lengthLimit)
  }
}
