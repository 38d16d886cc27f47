internal import Coordination
package import Engine
internal import Scheduling
internal import Transport
package import Wire

/// Runs requests on real worker processes, with faults or without, and watches every token.
package struct Drill {
  private let prompts: [[TokenID]]
  private let sampling: SamplingParameters

  package init(prompts: [[TokenID]], sampling: SamplingParameters) {
    self.prompts = prompts
    self.sampling = sampling
  }

  /// Tokens of all requests, should nothing end early.
  package var tokens: Int { prompts.count * (sampling.maxTokens ?? 1) }

  /// Runs everything once on a fresh mesh.
  ///
  /// - Throws: `EngineError` when the mesh cannot be started or the user interrupts; a run that fails is an outcome.
  package func run(
    _ configuration: EngineConfiguration, plan: FaultPlan
  ) throws(EngineError) -> DrillOutcome {
    var configuration = configuration
    configuration.seed = 1
    let engine = try MeshEngine(configuration)
    defer { engine.stop() }
    try engine.waitUntilReady()
    var watch = DrillWatch(plan: plan, requests: prompts.count, started: Self.now)
    for (index, prompt) in prompts.enumerated() {
      engine.submit(
        GenerationRequest(
          id: RequestID(rawValue: UInt64(index)), promptTokens: prompt, sampling: sampling))
    }
    do throws(EngineError) {
      try engine.run { event in
        for fault in watch.note(event, at: Self.now) {
          if fault.kind == .pause {
            engine.pause(rank: fault.rank, for: .milliseconds(fault.milliseconds))
          } else {
            engine.send(signal: fault.kind.signal, toRank: fault.rank)
          }
        }
      }
    } catch {
      guard error.kind == .failure else { throw error }
      watch.outcome.failure = error.description
    }
    watch.outcome.milliseconds = Double(Self.now - watch.started) / 1e6
    return watch.outcome
  }

  private static var now: Int64 { Int64(clamping: Deadline.now) }
}

/// What came of a run: the tokens, and when each fault was made, noticed and mended.
package struct DrillOutcome: Sendable {
  /// By request.
  package var streams: [[TokenID]]
  /// Tokens whose index was not the next one of their stream.
  package var outOfOrder = 0
  package var finished = 0
  package var faults: [FaultTimes] = []
  /// The story of the ranks, in milliseconds from the start.
  package var story: [(milliseconds: Double, rank: Int?, text: String)] = []
  package var failure: String?
  package var milliseconds = 0.0

  package init(streams: [[TokenID]], outOfOrder: Int = 0, finished: Int = 0) {
    self.streams = streams
    self.outOfOrder = outOfOrder
    self.finished = finished
  }

  /// When, in milliseconds from the start of the requests; nil: not, or not before the end.
  package struct FaultTimes: Sendable, Equatable {
    package var fault: Fault
    package var injected: Double?
    package var detected: Double?
    package var recovered: Double?
  }
}

/// Follows a run: which faults are due, what became of them.
struct DrillWatch {
  let started: Int64
  var outcome: DrillOutcome
  private var tokens = 0

  init(plan: FaultPlan, requests: Int, started: Int64) {
    self.started = started
    outcome = DrillOutcome(streams: Array(repeating: [], count: requests))
    outcome.faults = plan.faults.map { DrillOutcome.FaultTimes(fault: $0) }
  }

  /// Takes an event in; returns the faults that are due now.
  mutating func note(_ event: EngineEvent, at now: Int64) -> [Fault] {
    var inRecovery = false
    switch event {
    case .token(let token):
      tokens += 1
      let request = Int(token.request.rawValue)
      if token.index != outcome.streams[request].count { outcome.outOfOrder += 1 }
      outcome.streams[request].append(token.token)
    case .finished(let end):
      if case .failure = end.cause { break }
      outcome.finished += 1
    case .membership(let change):
      note(change)
      if case .started = change.kind { inRecovery = true }
    default: break
    }
    return actions(inRecovery: inRecovery, now)
  }

  private mutating func actions(inRecovery: Bool, _ now: Int64) -> [Fault] {
    var due: [Fault] = []
    for index in outcome.faults.indices where outcome.faults[index].injected == nil {
      let fault = outcome.faults[index].fault
      let isDue =
        switch fault.trigger {
        case .tokens(let count): tokens >= count
        case .recovery: inRecovery
        }
      guard isDue else { continue }
      outcome.faults[index].injected = milliseconds(now)
      outcome.story.append((milliseconds(now), fault.rank, "\(fault.kind.rawValue) injected"))
      due.append(fault)
    }
    return due
  }

  private mutating func note(_ change: MembershipEvent) {
    let moment = milliseconds(change.at)
    switch change.kind {
    case .lost(let loss):
      outcome.story.append((moment, change.rank, loss.text))
      for index in outcome.faults.indices where isOpen(index, change.rank) {
        outcome.faults[index].detected = moment
      }
    case .recovered(let recovery):
      outcome.story.append((moment, nil, "recovered after \(Int(recovery.duration / .milliseconds(1))) ms"))
      for index in outcome.faults.indices
      where outcome.faults[index].detected != nil && outcome.faults[index].recovered == nil {
        outcome.faults[index].recovered = moment
      }
    case .started: outcome.story.append((moment, change.rank, "started again"))
    case .joined: outcome.story.append((moment, change.rank, "joined"))
    case .loaded: outcome.story.append((moment, change.rank, "shard loaded"))
    case .retried(let text): outcome.story.append((moment, change.rank, text))
    }
  }

  private func isOpen(_ index: Int, _ rank: Int?) -> Bool {
    let times = outcome.faults[index]
    return times.fault.rank == rank && times.injected != nil && times.detected == nil
  }

  private func milliseconds(_ moment: Int64) -> Double { Double(moment - started) / 1e6 }
}

extension Fault.Kind {
  /// The number of its signal on Linux.
  var signal: Int32 {
    switch self {
    case .kill: 9
    case .stop, .pause: 19
    case .crash: 11
    case .terminate: 15
    }
  }
}
