internal import KVCaching
package import Wire

/// Chooses what each step of one replica computes: continuous batching over a paged KV cache.
///
/// A pure value: events and the time go in, directives and step plans come out, and equal inputs give equal outputs.
/// Usage: `handle` events at any time; `plan` when no step is in flight; `complete` once for each group of the plan.
///
/// Every sequence is pinned to one attention group. In each group running sequences come first, in order of admission,
/// and get one row each while they decode; prefill takes what is left of the row budget in chunks. When pages run out,
/// the latest admitted sequence is preempted: it gives its pages back and later computes its known tokens again.
package struct Scheduler: Sendable {
  package let limits: SchedulerLimits
  package private(set) var statistics = SchedulerStatistics()

  /// Slab of sequences; `indexByID` finds them for events from outside, the loop uses indices.
  var sequences: [Sequence?] = []
  var freeIndices: [Int] = []
  var indexByID: [SequenceID: Int] = [:]
  var sequencesOfRequest: [RequestID: [SequenceID]] = [:]
  var groups: [Group]
  var arrivals: UInt64 = 0
  /// No deadline is earlier; may lag behind when sequences end.
  var earliestDeadline: Timestamp?

  /// What the scheduler knows of one attention group.
  struct Group: Sendable {
    var pool: PagePool
    /// Indices of sequences that hold a slot, in order of admission.
    var running: [Int] = []
    /// Indices of sequences without a slot, in the order in which they may start.
    var waiting: [Int] = []
    /// Free slots, the next one last.
    var freeSlots: [Int32]
    /// Slots to forget, for the next plan.
    var releases: [Int32] = []
    /// Chunks of the step in flight.
    var inFlight: [InFlightChunk] = []
    /// The step in flight has no result of this group yet.
    var isAwaited = false
    /// Tokens of all unfinished sequences, the measure of load.
    var numTokens = 0
  }

  struct InFlightChunk: Sendable {
    var index: Int
    var id: SequenceID
    var slot: Int32
    var startPosition: Int
    var count: Int
    var output: OutputRequest
  }

  /// - Precondition: `limits.problems()` is empty.
  package init(limits: SchedulerLimits) {
    precondition(limits.problems().isEmpty, limits.problems().joined(separator: "; "))
    self.limits = limits
    let pool = PagePool(
      numPages: limits.pagesPerGroup, pageSize: limits.pageSize, cachesPrefixes: limits.cachesPrefixes)
    let slots = (0..<Int32(limits.maxSequences)).reversed()
    self.groups = Array(repeating: Group(pool: pool, freeSlots: Array(slots)), count: limits.numGroups)
  }

  /// Takes in one event and appends what follows from it.
  package mutating func handle(_ event: SchedulerEvent, into directives: inout [SchedulerDirective]) {
    switch event {
    case .submit(let request, let firstSequence): submit(request, firstSequence, &directives)
    case .cancel(let request): finishAll(of: request, .cancelled, &directives)
    case .stop(let sequence):
      if let index = indexByID[sequence] { finish(index, .stopString, &directives) }
    }
  }

  /// Ends every sequence of a request.
  package mutating func finishAll(
    of request: RequestID, _ cause: FinishCause, _ directives: inout [SchedulerDirective]
  ) {
    for id in sequencesOfRequest[request] ?? [] {
      if let index = indexByID[id] { finish(index, cause, &directives) }
    }
  }

  /// Ends everything, in the order in which it came.
  package mutating func finishEverything(_ cause: FinishCause, into directives: inout [SchedulerDirective]) {
    for id in indexByID.keys.sorted() { finish(indexByID[id]!, cause, &directives) }
  }

  /// Ends the sequences whose deadline is not after `now`.
  package mutating func expire(now: Timestamp, into directives: inout [SchedulerDirective]) {
    guard let earliestDeadline, earliestDeadline <= now else { return }
    self.earliestDeadline = nil
    for index in sequences.indices {
      guard let deadline = sequences[index]?.deadline else { continue }
      if deadline <= now { finish(index, .deadline, &directives) } else { noteDeadline(deadline) }
    }
  }

  /// When `expire` must be called next at the latest.
  package var nextDeadline: Timestamp? { earliestDeadline }

  /// Sequences that are not over.
  package var numUnfinished: Int { indexByID.count }

  package var numWaiting: Int { groups.reduce(0) { $0 + $1.waiting.count } }

  package var numRunning: Int { groups.reduce(0) { $0 + $1.running.count } }

  /// A step was planned and some group's result is missing.
  package var isStepInFlight: Bool { groups.contains { $0.isAwaited } }

  /// Groups of the step in flight that have not answered.
  package var awaitedGroups: [Int] { groups.indices.filter { groups[$0].isAwaited } }

  /// The request of a sequence that is not over.
  package func request(of sequence: SequenceID) -> RequestID? {
    indexByID[sequence].flatMap { sequences[$0]?.request }
  }

  /// Pages of a group that are free or only cached.
  package func numAvailablePages(group: Int) -> Int { groups[group].pool.numAvailable }

  /// Prompt and output so far, for replay; nil when the sequence is over.
  package func knownTokens(of sequence: SequenceID) -> [TokenID]? {
    indexByID[sequence].flatMap { sequences[$0]?.tokens }
  }

  mutating func noteDeadline(_ deadline: Timestamp) {
    earliestDeadline = min(earliestDeadline ?? deadline, deadline)
  }

  mutating func count(_ change: (inout SchedulerStatistics) -> Void) { change(&statistics) }
}

/// What has happened since the start.
package struct SchedulerStatistics: Sendable, Hashable {
  package var steps = 0
  package var rows = 0
  package var preemptions = 0
  package var promptTokens = 0
  /// Prompt tokens that were found in the prefix cache or shared between completions.
  package var cachedTokens = 0
  package var outputTokens = 0
}
