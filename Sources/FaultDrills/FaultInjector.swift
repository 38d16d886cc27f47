internal import Engine
internal import Foundation
internal import Transport
internal import Wire

/// Breaks what a plan says, through the doors that the world has, and mends what was to be broken for a while.
struct FaultInjector {
  /// Rules in force, in the order in which they came, and when each ends.
  private var rules: [(rule: LinkRule, end: Int64?)] = []
  private let seed: UInt64
  private let given: LinkConditions
  private var random: SeededDraws
  private let checkpoint: CheckpointDoor?
  private var checkpointEnd: Int64?
  private var places: [Int: MemoryDoor.Place] = [:]
  private var limits: [MemoryLimitDoor] = []
  private var clocks: [(door: ClockDoor, end: Int64?)] = []
  /// Those that knocked, by the number of their fault.
  private(set) var visitors: [Int: StrangerDoor] = [:]

  /// - Parameter configuration: gets what the doors of the plan need: links that conditions can be put on, a checkpoint
  ///   that can be broken, workers that tell where their weights lie.
  init(plan: FaultPlan, configuration: inout EngineConfiguration) throws(EngineError) {
    seed = plan.seed
    random = SeededDraws(state: plan.seed ^ 0x00d0_0125)
    given = configuration.linkConditions ?? LinkConditions()
    if plan.faults.contains(where: { $0.kind.isLink }) { configuration.linkConditions = given }
    if plan.faults.contains(where: { $0.kind == .activationFlip }) { configuration.compareDigests() }
    configuration.tellsAddresses = plan.faults.contains { $0.kind.breaksMemory }
    if plan.faults.contains(where: { $0.kind == .outOfMemory }), !MemoryLimitDoor.isAvailable {
      throw EngineError(
        .configuration,
        "\(plan.name): out-of-memory needs root and a memory cgroup, which this host does not offer.")
    }
    if plan.faults.contains(where: { $0.kind == .clockJump }), !ClockDoor.isAvailable {
      throw EngineError(
        .configuration, "\(plan.name): clock-jump needs the right to set the clock; run it as root.")
    }
    if plan.faults.contains(where: { $0.kind == .stranger }),
      !configuration.usesTCP || configuration.isInsecure
    {
      throw EngineError(
        .configuration,
        "\(plan.name): a stranger without a key needs encrypted TCP; run it with --transport tcp.")
    }
    guard plan.faults.contains(where: { $0.kind.breaksCheckpoint }) else {
      checkpoint = nil
      return
    }
    do {
      guard configuration.dummySeed == nil, configuration.fleet == nil else {
        throw FaultPlanError("a checkpoint can be broken only where it is loaded, and on this host")
      }
      let door = try CheckpointDoor(model: configuration.modelDirectory)
      configuration.modelDirectory = door.path
      checkpoint = door
    } catch {
      throw EngineError(.configuration, "\(plan.name): \(error).")
    }
  }

  /// Asks the workers what the doors need to know; before the first request.
  mutating func prepare(_ engine: MeshEngine) throws(EngineError) {
    guard engine.tellsAddresses else { return }
    for report in try engine.linkReports(within: .seconds(5)) {
      let rank = Int(report.rank)
      guard let process = engine.processID(of: rank), report.weightsBytes > 0 else { continue }
      places[rank] = MemoryDoor.Place(
        processID: process, address: report.weightsAddress, byteCount: Int(report.weightsBytes))
    }
  }

  /// When something is to be mended next.
  var nextMoment: Int64? { (rules.map(\.end) + clocks.map(\.end) + [checkpointEnd]).compactMap { $0 }.min() }

  /// Does it; returns why it could not be done.
  mutating func inject(_ fault: Fault, number: Int, into engine: MeshEngine, at now: Int64) -> String? {
    let end = fault.milliseconds.map { now + Int64($0) * 1_000_000 }
    do {
      switch fault.kind {
      case .pause: engine.pause(rank: fault.rank, for: .milliseconds(fault.milliseconds ?? 200))
      case .nan, .bitFlip: try breakMemory(fault, engine)
      case .outOfMemory:
        if let process = engine.processID(of: fault.rank) {
          limits.append(try MemoryLimitDoor(processID: process))
        }
      case .clockJump: clocks.append((try ClockDoor(seconds: fault.amount ?? 3600), end))
      case .wrongVersion: visitors[number] = .otherBuild(engine.controlEndpoint, rank: fault.rank)
      case .stranger: visitors[number] = .withoutKey(engine.controlEndpoint, rank: fault.rank)
      default:
        for rule in fault.linkRules { rules.append((rule, end)) }
        if fault.kind.isLink { apply(to: engine) }
        if fault.kind == .checkpointCorrupt { try checkpoint?.truncate() }
        if fault.kind == .checkpointMissing { try checkpoint?.remove() }
        if fault.kind.breaksCheckpoint { checkpointEnd = end }
        for rank in fault.target.ranks {
          if let signal = fault.kind.signal { engine.send(signal: signal, toRank: rank) }
        }
      }
      return nil
    } catch {
      return "\(error)"
    }
  }

  private mutating func breakMemory(_ fault: Fault, _ engine: MeshEngine) throws {
    guard let place = places[fault.rank], engine.processID(of: fault.rank) == place.processID else {
      throw FaultPlanError("rank \(fault.rank) has been replaced, and nobody knows where its weights lie")
    }
    let door = MemoryDoor(place: place)
    // All at once: no step may meet a part of it.
    engine.send(signal: 19, toRank: fault.rank)
    defer { engine.send(signal: 18, toRank: fault.rank) }
    if fault.kind == .nan {
      try door.fillWithNaN(part: min(1, fault.amount ?? 0.5), &random)
    } else {
      try door.setExponentBits(words: fault.times ?? 1, &random)
    }
  }

  /// Ends what was to last until now.
  mutating func mend(_ engine: MeshEngine, at now: Int64) {
    if let end = checkpointEnd, end <= now {
      checkpointEnd = nil
      try? checkpoint?.restore()
    }
    clocks.removeAll { $0.end.map { $0 <= now } ?? false }
    let count = rules.count
    rules.removeAll { $0.end.map { $0 <= now } ?? false }
    if rules.count < count { apply(to: engine) }
  }

  private func apply(to engine: MeshEngine) {
    var conditions = LinkConditions(rules: given.rules + rules.map(\.rule), seed: seed ^ given.seed)
    let now = conditions
    // What hits a number of frames has hit them by the time a rank starts again.
    conditions.rules.removeAll { $0.times != nil }
    engine.setLinkConditions(now, later: conditions)
  }
}
