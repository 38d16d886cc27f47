import Coordination
import Scheduling
import SimulationSupport
import Testing
import Topology
import Wire

/// A whole run under a virtual clock: the real coordinator core, fake workers that die, hang and fail, messages with
/// random delays in the order of each connection. Everything follows from the seed.
struct SimulatedRun {
  let seed: UInt64
  var random: SeededRandom
  var settings: CoordinatorSettings
  let model: FakeModel
  var core: CoordinatorCore
  var workers: [FakeReplica]
  var ranks: [SimulatedRank]
  var now = Timestamp(nanoseconds: 0)
  /// What will happen, earliest last; equal times in order of `number`.
  var agenda: [Appointment] = []
  var appointments: UInt64 = 0
  var client: SimulatedClient
  var directives: [CoordinatorDirective] = []
  var numSteps = 0
  var numLosses = 0
  var numRetries = 0
  var numRecoveries = 0
  var failures: [RunFailure] = []
  /// Steps whose result is corrupted on its way between ranks.
  var corruptions = 0
  var cuts: [SimulatedCut] = []
  var spoiled: [Int: Int] = [:]
  /// Epochs in which a step has failed on some rank: no rank completes one any more.
  var voided: Set<Epoch> = []

  enum Happening {
    case event(CoordinatorEvent)
    case worker(rank: Int, incarnation: UInt32, SimulatedRank.Action)
    case fault(SimulatedFault)
  }

  struct Appointment {
    var time: Timestamp
    var number: UInt64
    var happening: Happening
  }

  init(
    seed: UInt64, onRankLoss: RankLossPolicy = .respawn,
    adjust: (inout CoordinatorSettings) -> Void = { _ in }
  ) {
    self.seed = seed
    var random = SeededRandom(seed: seed)
    let shape = try! MeshShape(
      dp: 1 + random.below(2), attnDP: 1 + random.below(3), attnDPExpert: 1 + random.below(2),
      ep: 1 + random.below(2), tp: 1 + random.below(2))
    model = FakeModel(vocabularySize: 40 + random.below(100))
    var limits = SchedulerLimits(
      pagesPerGroup: 4 + random.below(20), maxModelLength: 12 + random.below(60),
      vocabularySize: model.vocabularySize)
    limits.pageSize = 1 + random.below(8)
    limits.maxSequences = 1 + random.below(6)
    limits.maxBatchedTokens = limits.maxSequences + random.below(40)
    limits.prefillChunk = [1, 2, 7, 64, .max][random.below(5)]
    limits.cachesPrefixes = !random.oneIn(4)
    limits.endOfSequenceTokens = random.oneIn(2) ? [3, 8] : []
    limits.seed = random.next()
    var settings = CoordinatorSettings(mesh: Mesh(shape), limits: limits, buildID: "simulated")
    settings.onRankLoss = onRankLoss
    adjust(&settings)
    self.settings = settings
    core = CoordinatorCore(settings: settings, now: now)
    let worker = FakeReplica(
      model: model, numGroups: settings.limits.numGroups, numPages: limits.pagesPerGroup,
      pageSize: limits.pageSize, maxSequences: limits.maxSequences)
    workers = Array(repeating: worker, count: settings.numReplicas)
    ranks = Array(repeating: SimulatedRank(), count: settings.mesh.worldSize + settings.numSpares)
    client = SimulatedClient(seed: seed)
    self.random = random
  }

  mutating func schedule(_ event: CoordinatorEvent, after delay: Duration) {
    schedule(.event(event), at: now + delay)
  }

  mutating func schedule(_ happening: Happening, at time: Timestamp) {
    appointments += 1
    let entry = Appointment(time: time, number: appointments, happening: happening)
    // Latest first, so that the next one is the last.
    var (low, high) = (0, agenda.count)
    while low < high {
      let middle = (low + high) / 2
      if agenda[middle].time <= time { high = middle } else { low = middle + 1 }
    }
    agenda.insert(entry, at: low)
  }

  /// Goes to the next moment at which something happens; false when nothing ever will.
  mutating func advance() throws -> Bool {
    let deadline = core.nextDeadline
    guard let next = [agenda.last?.time, deadline].compactMap({ $0 }).min() else { return false }
    now = max(now, next)
    var events: [CoordinatorEvent] = []
    while let entry = agenda.last, entry.time <= now {
      agenda.removeLast()
      switch entry.happening {
      case .event(let event): events.append(event)
      case .worker(let rank, let incarnation, let action): try act(rank, incarnation, action)
      case .fault(let fault): inject(fault)
      }
    }
    if events.isEmpty { events.append(.tick) }
    events.append(.pulsesTaken(until: now))
    directives.removeAll(keepingCapacity: true)
    core.handle(events, now: now, into: &directives)
    for directive in directives { carryOut(directive) }
    return true
  }

  private mutating func carryOut(_ directive: CoordinatorDirective) {
    switch directive {
    case .token(let token):
      if let stop = client.note(token, at: now) {
        schedule(.stop(token.request, completion: stop), after: .microseconds(random.below(3000)))
      }
    case .finished(let end): client.note(end)
    case .refused(let request, let reason): client.note(refused: request, reason.text)
    case .payload(let payload): client.note(payload)
    case .failed(let failure): failures.append(failure)
    case .lost: numLosses += 1
    case .stepRetried: numRetries += 1
    case .recovered: numRecoveries += 1
    case .remesh(let smaller, let epoch): remesh(smaller, epoch)
    case .sendPlan(let plan, let replica):
      #expect(failures.isEmpty, "seed \(seed): a step after the end")
      send(plan, replica)
    default: tellRanks(directive)
    }
  }

  private mutating func send(_ plan: StepPlan, _ replica: Int) {
    numSteps += 1
    #expect(plan.groups.count == settings.limits.numGroups)
    for group in plan.groups {
      #expect(group.numTokens <= settings.limits.maxBatchedTokens)
      #expect(group.chunks.allSatisfy { $0.tokens.count <= settings.limits.prefillChunk })
      for admission in group.admissions { client.note(admission) }
    }
    for (rank, placement) in settings.placements.enumerated() where placement.replica == replica {
      #expect(ranks[rank].isIntroduced, "seed \(seed): rank \(rank) got a plan before it knew its peers")
      tell(rank, .compute(plan))
    }
  }

  /// All requests have come and gone.
  var isIdle: Bool { core.phase == .serving && core.numUnfinished == 0 && client.isDone }

  func checkBooks() {
    for replica in 0..<settings.numReplicas {
      #expect(core.scheduler(replica: replica).problems() == [], "seed \(seed)")
      #expect(workers[replica].complaints == [], "seed \(seed)")
    }
  }

  /// Nobody runs, and no page is held.
  func checkIdle() {
    checkBooks()
    #expect(core.numUnfinished == 0, "seed \(seed)")
    for replica in 0..<settings.numReplicas {
      for group in 0..<settings.limits.numGroups {
        let available = core.scheduler(replica: replica).numAvailablePages(group: group)
        #expect(available == settings.limits.pagesPerGroup, "seed \(seed): pages leaked")
      }
    }
  }
}
