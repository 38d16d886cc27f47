import Coordination
import Scheduling
import SimulationSupport
import Testing
import Topology
import Wire

/// One rank's process, as far as the coordinator can tell.
struct SimulatedRank {
  var incarnation: UInt32 = 0
  var isAlive = false
  /// Stopped: it does nothing and stays where it is.
  var isHung = false
  /// It holds every shard, as a spare does.
  var isLoaded = false
  var epoch = Epoch(rawValue: 1)
  var isIntroduced = false
  /// When its last message arrives: a connection keeps the order.
  var lastArrival = Timestamp(nanoseconds: 0)
  var lastDelivery = Timestamp(nanoseconds: 0)

  enum Action {
    case greet
    case loaded
    case takeUp(EpochChange)
    case compute(StepPlan)
    case pulse
    /// The deadline of its collective has passed, unless the epoch is over already.
    case giveUp(Abort)
  }
}

/// A direction of a link that carries nothing until then.
struct SimulatedCut {
  var from: Int
  var to: Int
  var until: Timestamp
}

/// What can be done to a run on purpose.
enum SimulatedFault {
  case kill(Int)
  case stop(Int)
  /// The next step that any rank of the replica computes is void: a frame came in corrupted.
  case corrupt
  /// Frames from the one rank to the other vanish for a while; both live.
  case cut(from: Int, to: Int, for: Duration)
  /// The rank reaches numbers that are none, so many times.
  case spoil(Int, times: Int)
}

extension SimulatedRun {
  /// Every rank lives, and every fault is over.
  var isWhole: Bool {
    ranks.allSatisfy { $0.isAlive && !$0.isHung }
      && cuts.allSatisfy { $0.until <= now }
      && !agenda.contains { if case .fault = $0.happening { true } else { false } }
  }

  /// Ranks join, load and become ready, each in its own time.
  mutating func startRanks() {
    for rank in ranks.indices { start(rank, incarnation: 0, epoch: core.epoch) }
  }

  private mutating func start(_ rank: Int, incarnation: UInt32, epoch: Epoch) {
    #expect(!ranks[rank].isAlive, "seed \(seed): rank \(rank) runs twice")
    ranks[rank] = SimulatedRank(incarnation: incarnation, isAlive: true, epoch: epoch)
    act(rank, .greet, after: .milliseconds(1 + random.below(200)))
    act(rank, .pulse, after: .zero)
  }

  /// The process of a spare goes on as a rank, in whatever state it is.
  private mutating func promote(_ spare: Int, _ rank: Int, _ incarnation: UInt32, _ epoch: Epoch) {
    #expect(!ranks[rank].isAlive, "seed \(seed): rank \(rank) runs twice")
    let process = ranks[spare]
    ranks[spare].isAlive = false
    ranks[rank] = SimulatedRank(
      incarnation: incarnation, isAlive: process.isAlive, isHung: process.isHung, isLoaded: true, epoch: epoch
    )
    guard process.isAlive else {
      // It died before it was told; its end is reported as that of the rank.
      let loss = RankLoss(.killed(signal: 9), "was killed by signal 9")
      schedule(.rankLost(rank: rank, incarnation: incarnation, loss), after: .milliseconds(1))
      return
    }
    act(rank, .greet, after: .milliseconds(1 + random.below(20)))
    act(rank, .pulse, after: .zero)
  }

  /// Another mesh: no process of the former one is left, and nothing that they held.
  mutating func remesh(_ smaller: SmallerMesh, _ epoch: Epoch) {
    #expect(ranks.allSatisfy { !$0.isAlive }, "seed \(seed): a rank of the former mesh runs on")
    #expect(smaller.shape.worldSize < settings.mesh.worldSize && epoch > settings.firstEpoch)
    for worker in workers { #expect(worker.complaints == [], "seed \(seed)") }
    settings = core.settings
    let worker = FakeReplica(
      model: model, numGroups: settings.limits.numGroups, numPages: settings.limits.pagesPerGroup,
      pageSize: settings.limits.pageSize, maxSequences: settings.limits.maxSequences)
    workers = Array(repeating: worker, count: settings.numReplicas)
    ranks = Array(repeating: SimulatedRank(), count: settings.mesh.worldSize + settings.numSpares)
  }

  private mutating func act(_ rank: Int, _ action: SimulatedRank.Action, after delay: Duration) {
    schedule(.worker(rank: rank, incarnation: ranks[rank].incarnation, action), at: now + delay)
  }

  /// A message from a rank to the coordinator.
  private mutating func report(_ rank: Int, _ event: CoordinatorEvent) {
    let arrival = max(ranks[rank].lastArrival, now + .microseconds(20 + random.below(2000)))
    ranks[rank].lastArrival = arrival
    schedule(.event(event), at: arrival)
  }

  /// A message from the coordinator to a rank.
  mutating func tell(_ rank: Int, _ action: SimulatedRank.Action) {
    let arrival = max(ranks[rank].lastDelivery, now + .microseconds(20 + random.below(1000)))
    ranks[rank].lastDelivery = arrival
    schedule(.worker(rank: rank, incarnation: ranks[rank].incarnation, action), at: arrival)
  }

  mutating func tellRanks(_ directive: CoordinatorDirective) {
    switch directive {
    case .configure(let rank):
      act(rank, .loaded, after: .milliseconds(1 + random.below(ranks[rank].isLoaded ? 5 : 400)))
    case .stopRank(let rank, let incarnation):
      if ranks[rank].incarnation == incarnation { die(rank) }
    case .startRank(let rank, let incarnation, let epoch): start(rank, incarnation: incarnation, epoch: epoch)
    case .promote(let spare, let rank, let incarnation, let epoch): promote(spare, rank, incarnation, epoch)
    case .changeEpoch(let change, let told):
      for rank in told { tell(rank, .takeUp(change)) }
    case .introduce(let replica, let epoch):
      for rank in settings.placements.indices where settings.placements[rank].replica == replica {
        #expect(
          ranks[rank].epoch == epoch || !ranks[rank].isAlive || ranks[rank].isHung,
          "seed \(seed): rank \(rank) is in \(ranks[rank].epoch), its replica in \(epoch)")
        ranks[rank].isIntroduced = true
      }
    default: break
    }
  }

  mutating func act(_ rank: Int, _ incarnation: UInt32, _ action: SimulatedRank.Action) throws {
    guard ranks.indices.contains(rank), ranks[rank].incarnation == incarnation, ranks[rank].isAlive,
      !ranks[rank].isHung
    else { return }
    switch action {
    case .greet:
      report(
        rank,
        .hello(
          Hello(
            buildID: "simulated", rank: UInt32(rank), incarnation: incarnation,
            processID: Int32(100 + rank), hostName: "node", cpuFeatures: "", numThreads: 1)))
    case .loaded:
      report(
        rank,
        .loadProgress(
          LoadProgress(rank: UInt32(rank), bytesDone: 1, bytesTotal: 2), incarnation: incarnation))
      report(
        rank,
        .ready(
          Ready(
            rank: UInt32(rank), epoch: ranks[rank].epoch, weightBytes: 2,
            numPages: UInt32(settings.limits.pagesPerGroup)), incarnation: incarnation))
    case .takeUp(let change):
      guard change.epoch > ranks[rank].epoch else { return }
      ranks[rank].epoch = change.epoch
      report(
        rank,
        .epochAcknowledged(
          EpochAcknowledged(rank: UInt32(rank), epoch: change.epoch), incarnation: incarnation))
    case .compute(let plan): try compute(plan, rank)
    case .giveUp(let abort):
      guard ranks[rank].epoch == abort.epoch else { return }
      report(rank, .abort(abort, rank: rank, incarnation: incarnation))
    case .pulse:
      let pulse = Pulse(
        rank: UInt32(rank), epoch: ranks[rank].epoch, step: StepNumber(rawValue: 0), phase: .idle)
      schedule(.pulse(pulse, incarnation: incarnation, at: now), after: .zero)
      act(rank, .pulse, after: settings.pulsePeriod)
    }
  }

  /// A step needs every rank of the replica in its epoch; without one of them the others wait until they are told.
  private mutating func compute(_ plan: StepPlan, _ rank: Int) throws {
    let placement = settings.placements[rank]
    let peers = settings.placements.indices.filter { settings.placements[$0].replica == placement.replica }
    guard ranks[rank].epoch == plan.epoch,
      peers.allSatisfy({ ranks[$0].isAlive && !ranks[$0].isHung && ranks[$0].epoch == plan.epoch })
    else { return }
    let incarnation = ranks[rank].incarnation
    if corruptions > 0 {
      corruptions -= 1
      let abort = Abort(
        epoch: plan.epoch, rank: UInt32(peers[random.below(peers.count)]), code: .malformedMessage,
        text: "a frame is corrupted")
      report(rank, .abort(abort, rank: rank, incarnation: incarnation))
      return
    }
    if spoiled[rank, default: 0] > 0 {
      spoiled[rank, default: 0] -= 1
      let text = "a sum of layer 1 is not finite"
      act(
        rank, .giveUp(Abort(epoch: plan.epoch, rank: UInt32(rank), code: .numeric, text: text)),
        after: .microseconds(random.below(3000)))
      voided.insert(plan.epoch)
    }
    if let cut = cuts.first(where: { $0.until > now && peers.contains($0.from) && peers.contains($0.to) }) {
      wait(cut, plan, rank)
      voided.insert(plan.epoch)
    }
    guard placement.isReporter, !voided.contains(plan.epoch) else { return }
    let received = try StepPlan(decoding: plan.encoded())
    #expect(received == plan)
    let result = workers[placement.replica].run(received, group: placement.group)
    let answer = try StepResult(decoding: result.encoded())
    report(rank, .stepResult(answer, rank: rank, incarnation: incarnation))
  }

  /// The receiving end misses frames first, the others miss what it does not send on.
  private mutating func wait(_ cut: SimulatedCut, _ plan: StepPlan, _ rank: Int) {
    let missed = rank == cut.to ? cut.from : cut.to
    guard rank != missed else { return }
    let abort = Abort(
      epoch: plan.epoch, rank: UInt32(missed), code: .collectiveDeadline,
      text: "nothing came from rank \(missed)",
      operation: rank == cut.to ? 7 : 8)
    let lateness = Duration.microseconds(random.below(2000))
    act(rank, .giveUp(abort), after: .milliseconds(500) + lateness)
  }

  mutating func inject(_ fault: SimulatedFault) {
    switch fault {
    case .kill(let rank):
      guard ranks.indices.contains(rank), ranks[rank].isAlive else { return }
      let loss = CoordinatorEvent.rankLost(
        rank: rank, incarnation: ranks[rank].incarnation,
        RankLoss(.killed(signal: 9), "was killed by signal 9"))
      die(rank)
      schedule(loss, after: .microseconds(200 + random.below(5000)))
    case .stop(let rank):
      if ranks.indices.contains(rank) { ranks[rank].isHung = true }
    case .corrupt: corruptions += 1
    case .cut(let from, let to, let duration):
      cuts.append(SimulatedCut(from: from, to: to, until: now + duration))
    case .spoil(let rank, let times): spoiled[rank, default: 0] += times
    }
  }

  /// The process is gone, and with it what its attention group had in memory.
  private mutating func die(_ rank: Int) {
    guard ranks[rank].isAlive else { return }
    ranks[rank].isAlive = false
    guard settings.placements.indices.contains(rank) else { return }
    let placement = settings.placements[rank]
    workers[placement.replica].wipe(group: placement.group)
  }
}
