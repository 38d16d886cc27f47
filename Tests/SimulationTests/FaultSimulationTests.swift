import Coordination
import Foundation
import Scheduling
import SimulationSupport
import Testing
import Topology
import Wire

/// Thousands of random schedules of faults. Each ends with every stream whole and unchanged, nothing held, nothing
/// waiting; `MESHDECODE_SEED` runs one of them alone.
@Suite struct FaultSimulationTests {
  /// A few requests and one to five faults, some of them close together.
  static func schedule(_ seed: UInt64) throws -> SimulatedRun {
    var run = SimulatedRun(seed: seed) { settings in
      // What is tested here is recovery, not giving up; that has its own test.
      settings.restarts.count = 100
      settings.restarts.longestPause = .milliseconds(500)
    }
    run.startRanks()
    addRequests(&run, count: 4)
    var random = SeededRandom(seed: seed ^ 0xfa17)
    var moment = Duration.milliseconds(random.below(1000))
    for _ in 0...random.below(5) {
      let rank = random.below(run.settings.mesh.worldSize)
      let fault: SimulatedFault =
        switch random.below(5) {
        case 0, 1: .kill(rank)
        case 2: .stop(rank)
        case 3: .corrupt
        // The network between coordinator and rank delivers nothing for long: as if it hung.
        default: random.oneIn(2) ? .kill(rank) : .corrupt
        }
      run.schedule(.fault(fault), at: run.now + moment)
      moment += random.oneIn(3) ? .microseconds(random.below(3000)) : .milliseconds(random.below(700))
    }
    return run
  }

  private static func addRequests(_ run: inout SimulatedRun, count: Int) {
    let vocabulary = run.model.vocabularySize
    var random = SeededRandom(seed: run.seed ^ 0xabcd)
    let stem = (0..<(1 + random.below(20))).map { _ in TokenID(random.below(vocabulary)) }
    for number in 1...count {
      var prompt = Array(stem.prefix(1 + random.below(20)))
      for _ in 0..<random.below(4) { prompt.append(TokenID(random.below(vocabulary))) }
      var sampling = SamplingParameters()
      sampling.temperature = random.oneIn(2) ? 0 : 1
      sampling.maxTokens = 1 + random.below(30)
      sampling.n = random.oneIn(4) ? 2 : 1
      sampling.ignoreEOS = random.oneIn(2)
      let id = RequestID(rawValue: UInt64(number))
      var request = GenerationRequest(id: id, promptTokens: prompt, sampling: sampling)
      let arrival = Duration.microseconds(random.below(1_000_000))
      if random.oneIn(8) { request.outputs = .scoreTargets; request.sampling.n = 1 }
      if random.oneIn(12) { request.deadline = run.now + arrival + .milliseconds(100 + random.below(900)) }
      if random.oneIn(10) { run.schedule(.cancel(id), after: arrival + .microseconds(random.below(400_000))) }
      run.client.requests[id] = request
      run.schedule(.submit(request), after: arrival)
    }
  }

  /// Runs to the end; recovery must have come to an end as well. Every wait is bounded, so virtual time is too.
  static func finish(_ run: inout SimulatedRun) throws {
    let deadline = run.now + .seconds(120)
    var rounds = 0
    while try run.advance() {
      rounds += 1
      if rounds % 64 == 0 { run.checkBooks() }
      try #require(run.now < deadline && rounds < 200_000, "seed \(run.seed): no end in sight")
      if run.core.numUnfinished == 0, run.client.isDone, run.isWhole { return }
      if !run.core.isOpen { return }
    }
  }

  private static let numBlocks = 50
  /// `MESHDECODE_SCHEDULES=10000` runs so many instead of the usual few thousand.
  private static let blockSize: Int = {
    let wanted = ProcessInfo.processInfo.environment["MESHDECODE_SCHEDULES"].flatMap { Int($0) }
    return max(1, (wanted ?? 3000) / numBlocks)
  }()

  @Test(arguments: 0..<numBlocks) func noScheduleLosesAToken(block: Int) throws {
    if let text = ProcessInfo.processInfo.environment["MESHDECODE_SEED"], let seed = UInt64(text) {
      return try check(seed)
    }
    for seed in (block * Self.blockSize)..<((block + 1) * Self.blockSize) { try check(UInt64(seed)) }
  }

  private func check(_ seed: UInt64) throws {
    var run = try Self.schedule(seed)
    try Self.finish(&run)
    #expect(run.core.isOpen, "seed \(seed): \(run.failures)")
    run.checkIdle()
    run.client.check(run.model, run.settings.limits)
    #expect(run.client.streams.values.allSatisfy { !$0.failed }, "seed \(seed)")
  }

  /// The schedules are worth something only if they meet what they are about.
  @Test func theSchedulesMeetEveryKindOfTrouble() throws {
    var (losses, retries, recoveries, stale, replaced, double) = (0, 0, 0, 0, 0, 0)
    for seed in UInt64(0)..<300 {
      var run = try Self.schedule(seed)
      try Self.finish(&run)
      losses += run.numLosses
      retries += run.numRetries
      recoveries += run.numRecoveries
      stale += run.core.statistics.staleResults
      replaced += run.core.statistics.messagesOfReplacedRanks
      if run.numLosses + run.numRetries > run.numRecoveries, run.numRecoveries > 0 { double += 1 }
    }
    #expect(losses > 300 && retries > 20 && recoveries > 200, "\(losses) \(retries) \(recoveries)")
    #expect(stale > 20 && replaced > 0 && double > 10, "\(stale) \(replaced) \(double)")
  }

  /// Faults without end: the run gives up with a sentence instead of going on for ever.
  @Test(arguments: UInt64(0)..<40) func aCrashLoopEnds(seed: UInt64) throws {
    var run = SimulatedRun(seed: seed)
    run.startRanks()
    Self.addRequests(&run, count: 4)
    let rank = run.random.below(run.settings.mesh.worldSize)
    for beat in 1...200 { run.schedule(.fault(.kill(rank)), at: run.now + .milliseconds(100 * beat)) }
    while try run.advance(), run.core.isOpen {}
    #expect(run.failures.count == 1, "seed \(seed)")
    #expect(run.failures.first?.rank == rank && run.failures.first?.loss != nil, "seed \(seed)")
    run.checkIdle()
    run.client.check(run.model, run.settings.limits)
  }
}
