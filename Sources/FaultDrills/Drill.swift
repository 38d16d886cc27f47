internal import Coordination
package import Engine
internal import Scheduling
internal import Transport
package import Wire

/// Runs requests on real worker processes, with faults or without, and watches every token.
package struct Drill {
  package let prompts: [[TokenID]]
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
    if let milliseconds = plan.deadlineMilliseconds {
      configuration.collectiveTimeout = .milliseconds(milliseconds)
    }
    var injector = try FaultInjector(plan: plan, configuration: &configuration)
    let engine = try MeshEngine(configuration)
    defer { engine.stop() }
    try engine.waitUntilReady()
    try injector.prepare(engine)
    var watch = DrillWatch(plan: plan, requests: prompts.count, started: Self.now)
    for (index, prompt) in prompts.enumerated() {
      engine.submit(
        GenerationRequest(
          id: RequestID(rawValue: UInt64(index)), promptTokens: prompt, sampling: sampling))
    }
    engine.alarm = watch.nextMoment.map { Timestamp(nanoseconds: $0) }
    do throws(EngineError) {
      try engine.run { event in
        for number in watch.note(event, steps: engine.completedSteps, at: Self.now) {
          let fault = plan.faults[number]
          if let problem = injector.inject(fault, number: number, into: engine, at: Self.now) {
            watch.withdraw(number, problem)
          }
        }
        injector.mend(engine, at: Self.now)
        let moments = [watch.nextMoment, injector.nextMoment].compactMap { $0 }
        engine.alarm = moments.min().map { Timestamp(nanoseconds: $0) }
      }
      watch.note(plan.faults.contains { $0.kind.isLink } ? try engine.linkReports(within: .seconds(3)) : [])
      watch.note(try answers(injector, engine))
    } catch {
      guard error.kind == .failure else { throw error }
      watch.outcome.failure = error.description
    }
    watch.outcome.milliseconds = Double(Self.now - watch.started) / 1e6
    return watch.outcome
  }

  /// What those that knocked were told; waits for answers that may still come.
  private func answers(
    _ injector: FaultInjector, _ engine: MeshEngine
  ) throws(EngineError) -> [Int: (text: String, at: UInt64)] {
    var found: [Int: (text: String, at: UInt64)] = [:]
    for (number, visitor) in injector.visitors {
      for _ in 0..<40 where visitor.answer == nil && engine.connectionRefusals == 0 {
        try engine.idle(for: .milliseconds(50))
      }
      if let answer = visitor.answer {
        found[number] = answer
      } else if engine.connectionRefusals > 0 {
        found[number] = ("its connection was refused for want of a key", Deadline.now)
      }
    }
    return found
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
  /// Milliseconds from the start at which tokens came, for pictures.
  package var tokenMoments: [Double] = []
  package var failure: String?
  /// Why faults could not be made.
  package var problems: [String] = []
  package var milliseconds = 0.0
  /// What the links of the ranks threw away and were made to do; only where links had faults.
  package var links: [LinkReport] = []

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
    /// The first token of any stream after that; what was lost of keys and values has been computed again by then.
    package var firstToken: Double?

    package init(fault: Fault) { self.fault = fault }
  }
}
