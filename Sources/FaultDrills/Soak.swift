internal import Coordination
package import Engine
internal import Scheduling
internal import Topology
internal import Transport
package import Wire

/// Load and faults for a long time on one mesh: does anything leak, and is any token ever wrong?
///
/// Each round hands in all requests, kills, stops, crashes or pauses ranks at random moments, waits until every request
/// has ended, compares all tokens with those of the first, calm round, and looks at the books: pages, memory,
/// descriptors, threads, files. Everything but the time follows from the seed.
package struct Soak {
  private let prompts: [[TokenID]]
  private let sampling: SamplingParameters
  private let seed: UInt64
  /// Faults of a round: none to so many.
  private let mostFaults: Int

  package init(prompts: [[TokenID]], sampling: SamplingParameters, seed: UInt64, mostFaults: Int = 2) {
    self.prompts = prompts
    self.sampling = sampling
    self.seed = seed
    self.mostFaults = mostFaults
  }

  /// Runs for `duration`, and to the end of the round that it falls into.
  ///
  /// - Parameter progress: gets the time so far and the report so far, after each round.
  /// - Throws: `EngineError` when the mesh cannot be started, or a signal came; a run that fails is a violation.
  package func run(
    _ configuration: EngineConfiguration, for duration: Duration, directory: String,
    progress: (Duration, SoakReport) -> Void = { _, _ in }
  ) throws(EngineError) -> SoakReport {
    var configuration = configuration
    configuration.seed = 1
    // Losses are what this is about; they must not end it.
    configuration.restarts.count = 1_000_000
    configuration.restarts.longestPause = .milliseconds(200)
    let engine = try MeshEngine(configuration)
    defer { engine.stop() }
    try engine.waitUntilReady()
    let clock = ContinuousClock()
    let started = clock.now
    var random = SeededDraws(state: seed)
    var report = SoakReport(seed: seed)
    var first: UInt64 = 0
    do throws(EngineError) {
      var reference: [[TokenID]] = []
      while reference.isEmpty || clock.now - started < duration {
        // The first round is calm, and tells what is right; the next ones warm up what a fault needs.
        let plan = reference.isEmpty ? [] : faults(&random, configuration.mesh.worldSize)
        var round = SoakRound(requests: prompts.count, first: first, faults: plan)
        for (index, prompt) in prompts.enumerated() {
          engine.submit(
            GenerationRequest(
              id: RequestID(rawValue: first + UInt64(index)), promptTokens: prompt, sampling: sampling))
        }
        first += UInt64(prompts.count)
        try engine.run { event in round.note(event, engine) }
        if reference.isEmpty { reference = round.streams }
        report.add(round, reference: reference)
        report.violations += engine.problems()
        report.samples.append(
          SoakSample(
            seconds: (clock.now - started) / .seconds(1), workers: engine.workerProcessIDs,
            directory: directory))
        progress(clock.now - started, report)
      }
    } catch {
      guard error.kind == .failure else { throw error }
      report.violations.append("the run ended: \(error)")
    }
    report.seconds = (clock.now - started) / .seconds(1)
    return report
  }

  private func faults(_ random: inout SeededDraws, _ worldSize: Int) -> [SoakFault] {
    let tokens = prompts.count * (sampling.maxTokens ?? 1)
    return (0..<random.below(mostFaults + 1)).map { _ in
      SoakFault(
        kind: SoakFault.Kind.allCases[random.below(SoakFault.Kind.allCases.count)],
        rank: random.below(worldSize), afterTokens: 1 + random.below(max(1, tokens - 1)),
        milliseconds: 20 + random.below(200))
    }
  }
}

/// One thing that is done to a rank in a round.
struct SoakFault: Sendable {
  enum Kind: String, Sendable, CaseIterable { case kill, crash, stop, pause }

  var kind: Kind
  var rank: Int
  var afterTokens: Int
  var milliseconds: Int

  func inject(into engine: MeshEngine) {
    switch kind {
    case .kill: engine.send(signal: 9, toRank: rank)
    case .crash: engine.send(signal: 11, toRank: rank)
    case .stop: engine.send(signal: 19, toRank: rank)
    case .pause: engine.pause(rank: rank, for: .milliseconds(milliseconds))
    }
  }
}

/// What comes back in one round.
struct SoakRound {
  private let first: UInt64
  private var faults: [SoakFault]
  private(set) var streams: [[TokenID]]
  private(set) var injected = 0
  private(set) var losses = 0
  private(set) var recoveries: [Double] = []
  private(set) var violations: [String] = []
  private var tokens = 0

  init(requests: Int, first: UInt64, faults: [SoakFault]) {
    self.first = first
    self.faults = faults.sorted { $0.afterTokens < $1.afterTokens }
    streams = Array(repeating: [], count: requests)
  }

  mutating func note(_ event: EngineEvent, _ engine: MeshEngine) {
    switch event {
    case .token(let token):
      let place = Int(token.request.rawValue - first)
      if token.index != streams[place].count { violations.append("\(token.request): token out of turn") }
      streams[place].append(token.token)
      tokens += 1
      while let next = faults.first, next.afterTokens <= tokens {
        faults.removeFirst()
        injected += 1
        next.inject(into: engine)
      }
    case .finished(let end):
      if case .failure(let text) = end.cause { violations.append("\(end.request) failed: \(text)") }
    case .refused(let id, let reason): violations.append("\(id) was refused: \(reason)")
    case .membership(let change):
      switch change.kind {
      case .lost: losses += 1
      case .recovered(let recovery): recoveries.append(recovery.duration / .milliseconds(1))
      default: break
      }
    default: break
    }
  }
}
