package import Scheduling
internal import Topology
package import Wire

/// Every decision of a run: who is a member, what the next step is, what each request gets.
///
/// A pure value without clock or I/O. The shell gathers what happened, calls `handle` with one time for all of it,
/// carries the directives out in order, and sleeps until `nextDeadline` at the latest. Equal events at equal times give
/// equal directives, so a run can be replayed from its log.
///
/// Each replica has one step in flight at most; replicas step independently. A rank that is lost is replaced
/// (`CoordinatorCore+Recovery`), or ends the run with a `RunFailure` that names it.
package struct CoordinatorCore: Sendable {
  package internal(set) var settings: CoordinatorSettings
  /// The latest epoch given to any replica; none is ever given twice.
  package internal(set) var epoch: Epoch
  package internal(set) var phase = Phase.joining
  /// No more requests are taken; the run ends with the last one.
  package internal(set) var isDraining = false
  package internal(set) var statistics = CoordinatorStatistics()

  var members: [Member]
  var replicas: [Replica]
  var requests: [RequestID: RequestRecord] = [:]
  var nextSequence: UInt64 = 1
  /// When a pulse could be overdue first; checked no earlier.
  var pulseCheck: Timestamp?
  /// Up to when pulses have been reported; nil when they are reported as they come.
  var pulsesTakenUntil: Timestamp?
  /// When sequences ended lately, the earliest first: the pace at which room is made.
  var endings: [Timestamp] = []
  /// The time of the events at hand.
  var now: Timestamp
  /// Reused between events.
  var scratch: [SchedulerDirective] = []

  package enum Phase: Sendable, Hashable {
    /// Ranks are missing or load.
    case joining
    case serving
    case failed(RunFailure)
    case stopped
  }

  struct Replica: Sendable {
    var scheduler: Scheduler
    /// Its ranks' epoch; results of any other are dropped.
    var epoch: Epoch
    /// All its ranks are there and in its epoch.
    var isServing = false
    /// When it stopped serving; nil before it ever did.
    var stoppedAt: Timestamp?
    /// Ranks lost since then.
    var lostRanks: [Int] = []
    /// Failed attempts since the last step that was completed.
    var trouble = StepTrouble()
    /// Deadlines that passed in the step at hand, and until when others are waited for.
    var complaints = Complaints()
    /// The next attempt waits until then.
    var resumesAt: Timestamp?
    var lastStep = StepNumber(rawValue: 0)
    /// When the step in flight must be complete; nil when none is.
    var stepDeadline: Timestamp?
    var stepStarted: Timestamp?
  }

  struct RequestRecord: Sendable {
    var replica: Int
    var firstSequence: SequenceID
  }

  /// - Parameter now: the start of the run.
  package init(settings: CoordinatorSettings, now: Timestamp) {
    self.settings = settings
    self.now = now
    epoch = settings.firstEpoch
    var member = Member()
    member.deadline = now + settings.joinDeadline
    member.startedIn = settings.firstEpoch
    self.members = Array(repeating: member, count: settings.mesh.worldSize + settings.numSpares)
    let replica = Replica(scheduler: Scheduler(limits: settings.limits), epoch: settings.firstEpoch)
    self.replicas = Array(repeating: replica, count: settings.numReplicas)
  }

  /// Takes in everything that happened up to `now`, and appends what is to be done.
  package mutating func handle(
    _ events: [CoordinatorEvent], now: Timestamp, into directives: inout [CoordinatorDirective]
  ) {
    self.now = now
    for event in events { handle(event, now, &directives) }
    advance(now, &directives)
  }

  /// When `handle` must be called next even if nothing happens; nil: not at all.
  package var nextDeadline: Timestamp? {
    var earliest: Timestamp?
    func note(_ moment: Timestamp?) {
      if let moment { earliest = min(earliest ?? moment, moment) }
    }
    guard isOpen else { return nil }
    for member in members {
      note(member.deadline)
      if case .paused(let moment) = member.state { note(moment) }
    }
    for replica in replicas {
      note(replica.stepDeadline)
      note(replica.complaints.heardAt)
      if replica.isServing { note(replica.resumesAt) }
      note(replica.scheduler.nextDeadline)
    }
    note(pulseCheck)
    return earliest
  }

  /// Sequences that are not over.
  package var numUnfinished: Int { replicas.reduce(0) { $0 + $1.scheduler.numUnfinished } }

  /// Which start of a rank is awaited or at work.
  package func incarnation(of rank: Int) -> UInt32 { members[rank].incarnation }

  /// The newest step that any replica was given.
  package var lastStep: StepNumber { replicas.map(\.lastStep).max() ?? StepNumber(rawValue: 0) }

  /// The scheduler of a replica, for statistics and checks.
  package func scheduler(replica: Int) -> Scheduler { replicas[replica].scheduler }

  private mutating func handle(
    _ event: CoordinatorEvent, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    guard isOpen else {
      if case .submit(let request) = event {
        directives.append(.refused(request.id, Refusal(closedText, kind: .unavailable)))
      }
      return
    }
    switch event {
    case .hello(let hello): join(hello, now, &directives)
    case .loadProgress(let progress, let incarnation) where isCurrent(progress.rank, incarnation):
      load(progress, now, &directives)
    case .ready(let ready, let incarnation) where isCurrent(ready.rank, incarnation):
      becomeReady(ready, now, &directives)
    case .epochAcknowledged(let answer, let incarnation) where isCurrent(answer.rank, incarnation):
      acknowledge(answer, now, &directives)
    case .pulse(let pulse, let incarnation, let moment) where isCurrent(pulse.rank, incarnation):
      note(pulse, at: moment)
    case .pulsesTaken(let moment): pulsesTakenUntil = max(pulsesTakenUntil ?? moment, moment)
    case .stepResult(let result, let rank, let incarnation) where isCurrent(rank, incarnation):
      complete(result, rank, now, &directives)
    case .abort(let abort, let rank, let incarnation) where isCurrent(rank, incarnation):
      giveUp(abort, rank, now, &directives)
    case .rankLost(let rank, let incarnation, let loss) where isCurrent(rank, incarnation):
      lose(rank, loss, now, &directives)
    case .loadProgress, .ready, .epochAcknowledged, .pulse, .stepResult, .abort, .rankLost:
      statistics.messagesOfReplacedRanks += 1
    case .submit(let request): submit(request, &directives)
    case .cancel(let request): cancel(request, &directives)
    case .stop(let request, let completion): stop(request, completion, &directives)
    case .drain: isDraining = true
    case .shutdown(let text): shutdown(text, &directives)
    case .tick: break
    }
  }

  /// Lets time pass: deadlines, then the next steps.
  private mutating func advance(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    checkMembers(now, &directives)
    expire(now, &directives)
    hearComplaints(now, &directives)
    restartRanks(now, &directives)
    plan(now, &directives)
    if isDraining, isOpen, numUnfinished == 0, replicas.allSatisfy({ $0.stepDeadline == nil }) {
      phase = .stopped
      directives.append(.drained)
    }
  }

  /// Ends the run: every request first, then the ranks, then the verdict.
  mutating func fail(_ failure: RunFailure, _ directives: inout [CoordinatorDirective]) {
    guard isOpen else { return }
    phase = .failed(failure)
    for replica in replicas.indices {
      replicas[replica].scheduler.finishEverything(.failure(failure.description), into: &scratch)
      replicas[replica].scheduler.abandonStep()
      replicas[replica].stepDeadline = nil
      forward(&directives)
    }
    let rank = failure.rank.map { UInt32($0) }
    directives.append(
      .abortStep(Abort(epoch: epoch, rank: rank, code: failure.code, text: failure.description)))
    directives.append(.failed(failure))
  }

  private mutating func shutdown(_ text: String, _ directives: inout [CoordinatorDirective]) {
    phase = .stopped
    for replica in replicas.indices {
      replicas[replica].scheduler.finishEverything(.cancelled, into: &scratch)
      replicas[replica].scheduler.abandonStep()
      replicas[replica].stepDeadline = nil
      forward(&directives)
    }
    directives.append(.shutdown(Shutdown(epoch: epoch, text: text)))
  }

  /// The run goes on: it has neither failed nor stopped.
  package var isOpen: Bool { phase == .joining || phase == .serving }

  /// Why nothing is accepted any more.
  var closedText: String {
    if case .failed(let failure) = phase { return "the run has failed: \(failure)" }
    return "the run is ending and takes no more requests"
  }
}

/// What a coordinator has seen.
package struct CoordinatorStatistics: Sendable, Hashable {
  /// Results of another epoch or step, dropped.
  package var staleResults = 0
  package var completedSteps = 0
  /// How often a replica came back after a loss or a failed step.
  package var recoveries = 0
  /// How often a spare took the place of a rank, and how often the mesh became smaller.
  package var promotions = 0
  package var shrinkages = 0
  /// Messages of processes that had been replaced, dropped.
  package var messagesOfReplacedRanks = 0
  /// Sequences of requests, by how they ended.
  package var finishedSequences = 0
}
