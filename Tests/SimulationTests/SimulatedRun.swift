import Coordination
import Scheduling
import SimulationSupport
import Testing
import Topology
import Wire

/// A whole run under a virtual clock: the real coordinator core, fake workers, messages as bytes with random delays.
/// Everything follows from the seed.
struct SimulatedRun {
  let seed: UInt64
  var random: SeededRandom
  let settings: CoordinatorSettings
  let model: FakeModel
  var core: CoordinatorCore
  var workers: [FakeReplica]
  var now = Timestamp(nanoseconds: 0)
  /// What will happen, earliest last; equal times in order of `number`.
  var agenda: [Appointment] = []
  var appointments: UInt64 = 0
  var client: SimulatedClient
  var directives: [CoordinatorDirective] = []
  var numSteps = 0

  struct Appointment {
    var time: Timestamp
    var number: UInt64
    var event: CoordinatorEvent
  }

  init(seed: UInt64) {
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
    settings = CoordinatorSettings(mesh: Mesh(shape), limits: limits, buildID: "simulated")
    core = CoordinatorCore(settings: settings, now: now)
    let worker = FakeReplica(
      model: model, numGroups: settings.limits.numGroups, numPages: limits.pagesPerGroup,
      pageSize: limits.pageSize, maxSequences: limits.maxSequences)
    workers = Array(repeating: worker, count: settings.numReplicas)
    client = SimulatedClient(seed: seed)
    self.random = random
  }

  mutating func schedule(_ event: CoordinatorEvent, after delay: Duration) {
    appointments += 1
    let entry = Appointment(time: now + delay, number: appointments, event: event)
    // Latest first, so that the next one is the last.
    var place = agenda.count
    while place > 0, agenda[place - 1].time <= entry.time { place -= 1 }
    agenda.insert(entry, at: place)
  }

  /// Ranks join, load and become ready, each in its own time.
  mutating func startRanks() {
    for rank in 0..<settings.mesh.worldSize {
      let hello = Hello(
        buildID: "simulated", rank: UInt32(rank), processID: Int32(100 + rank), hostName: "node",
        cpuFeatures: "", numThreads: 1)
      let start = Duration.milliseconds(random.below(200))
      schedule(.hello(hello), after: start)
      let loaded = start + .milliseconds(1 + random.below(400))
      schedule(.loadProgress(LoadProgress(rank: UInt32(rank), bytesDone: 1, bytesTotal: 2)), after: loaded)
      schedule(
        .ready(
          Ready(
            rank: UInt32(rank), epoch: Epoch(rawValue: 1), weightBytes: 2,
            numPages: UInt32(settings.limits.pagesPerGroup))),
        after: loaded + .milliseconds(1))
    }
  }

  /// Goes to the next moment at which something happens; false when nothing ever will.
  mutating func advance() throws -> Bool {
    let deadline = core.nextDeadline
    guard let next = [agenda.last?.time, deadline].compactMap({ $0 }).min() else { return false }
    now = max(now, next)
    var events: [CoordinatorEvent] = []
    while let entry = agenda.last, entry.time <= now {
      events.append(entry.event)
      agenda.removeLast()
    }
    if events.isEmpty { events.append(.tick) }
    directives.removeAll(keepingCapacity: true)
    core.handle(events, now: now, into: &directives)
    for directive in directives { try carryOut(directive) }
    return true
  }

  private mutating func carryOut(_ directive: CoordinatorDirective) throws {
    switch directive {
    case .sendPlan(let plan, let replica):
      numSteps += 1
      let received = try StepPlan(decoding: plan.encoded())
      #expect(received == plan)
      #expect(plan.groups.count == settings.limits.numGroups)
      for group in plan.groups {
        #expect(group.numTokens <= settings.limits.maxBatchedTokens)
        #expect(group.chunks.allSatisfy { $0.tokens.count <= settings.limits.prefillChunk })
        for admission in group.admissions { client.note(admission) }
      }
      for (rank, placement) in settings.placements.enumerated()
      where placement.replica == replica && placement.isReporter {
        let result = workers[replica].run(received, group: placement.group)
        let answer = try StepResult(decoding: result.encoded())
        schedule(.stepResult(answer, rank: rank), after: .microseconds(50 + random.below(2000)))
      }
    case .token(let token):
      if let stop = client.note(token, at: now) {
        schedule(.stop(token.request, completion: stop), after: .microseconds(random.below(3000)))
      }
    case .finished(let end): client.note(end)
    case .refused(let request, let text): client.note(refused: request, text)
    case .payload(let payload): client.note(payload)
    case .configure, .refuse, .loading, .introduce, .abortStep, .failed, .drained, .shutdown: break
    }
  }

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
