import Coordination
import Scheduling
import SimulationSupport
import Testing
import Topology
import Wire

@Suite struct CoordinatorSimulationTests {
  /// Requests with shared prefixes, at random times, some of them cancelled, stopped, late or unusable.
  private func addRequests(_ run: inout SimulatedRun, count: Int) {
    let vocabulary = run.model.vocabularySize
    var random = SeededRandom(seed: run.seed ^ 0xabcd)
    let stems = (0..<3).map { _ in
      (0..<(1 + random.below(30))).map { _ in TokenID(random.below(vocabulary)) }
    }
    for number in 1...count {
      var prompt = Array(stems[random.below(3)].prefix(1 + random.below(30)))
      for _ in 0..<random.below(6) { prompt.append(TokenID(random.below(vocabulary))) }
      var sampling = SamplingParameters()
      sampling.temperature = random.oneIn(2) ? 0 : 1
      sampling.maxTokens = random.oneIn(4) ? nil : 1 + random.below(25)
      sampling.minTokens = random.oneIn(3) ? min(sampling.maxTokens ?? 3, 3) : 0
      sampling.n = random.oneIn(4) ? 1 + random.below(4) : 1
      sampling.seed = random.oneIn(2) ? random.next() : nil
      sampling.ignoreEOS = random.oneIn(5)
      if random.oneIn(4) { sampling.stopTokenIDs = [TokenID(random.below(vocabulary))] }
      let id = RequestID(rawValue: UInt64(number))
      var request = GenerationRequest(id: id, promptTokens: prompt, sampling: sampling)
      let arrival = Duration.microseconds(random.below(900_000))
      if random.oneIn(8) {
        request.outputs = .scoreTargets
        request.sampling.n = 1
      }
      if random.oneIn(10) { request.priority = random.below(3) - 1 }
      if random.oneIn(12) {
        request.deadline = run.now + arrival + .milliseconds(100 + random.below(500))
      }
      if random.oneIn(8) { run.schedule(.cancel(id), after: arrival + .microseconds(random.below(400_000))) }
      if random.oneIn(8) { run.client.stopsAfter[id] = 1 + random.below(8) }
      run.client.requests[id] = request
      run.schedule(.submit(request), after: arrival)
    }
  }

  private func runToEnd(_ run: inout SimulatedRun) throws {
    var rounds = 0
    while try run.advance() {
      rounds += 1
      if rounds % 16 == 0 { run.checkBooks() }
      try #require(rounds < 100_000, "seed \(run.seed): no end in sight")
      if run.isIdle { break }
    }
  }

  @Test(arguments: 0..<40) func nothingIsLostRepeatedOrChanged(block: Int) throws {
    for seed in (block * 10)..<(block * 10 + 10) {
      var run = SimulatedRun(seed: UInt64(seed))
      run.startRanks()
      addRequests(&run, count: 25)
      try runToEnd(&run)
      #expect(run.core.phase == .serving, "seed \(seed)")
      #expect(run.core.statistics.staleResults == 0, "seed \(seed)")
      run.checkIdle()
      run.client.check(run.model, run.settings.limits)
    }
  }

  /// The cases above are worth something only if they meet what they are about.
  @Test func theSeedsMeetPressureAndSharing() throws {
    var (preemptions, cached, causes) = (0, 0, Set<String>())
    for seed in 0..<60 {
      var run = SimulatedRun(seed: UInt64(seed))
      run.startRanks()
      addRequests(&run, count: 25)
      try runToEnd(&run)
      for replica in 0..<run.settings.numReplicas {
        let statistics = run.core.scheduler(replica: replica).statistics
        preemptions += statistics.preemptions
        cached += statistics.cachedTokens
      }
      for stream in run.client.streams.values {
        if let cause = stream.end?.cause { causes.insert("\(cause)".prefix { $0 != "(" }.description) }
      }
    }
    #expect(preemptions > 100)
    #expect(cached > 500)
    #expect(
      causes == [
        "endOfSequence", "stopToken", "stopString", "outputsComplete", "maxTokens", "modelLength",
        "cancelled",
        "deadline",
      ])
  }

  @Test(arguments: 0..<40) func aLostRankEndsTheRunInOrder(seed: Int) throws {
    var run = SimulatedRun(seed: UInt64(seed), onRankLoss: .fail)
    run.startRanks()
    addRequests(&run, count: 20)
    let rank = run.random.below(run.settings.mesh.worldSize)
    run.schedule(.fault(.kill(rank)), at: run.now + .milliseconds(run.random.below(900)))
    var rounds = 0
    while try run.advance(), rounds < 20_000 { rounds += 1 }
    #expect(run.failures.count == 1, "seed \(seed)")
    #expect(run.failures.first?.rank == rank)
    #expect(run.failures.first?.description.contains("rank \(rank)") == true)
    run.checkIdle()
    run.client.check(run.model, run.settings.limits)
  }

  @Test func aRunCanBeReplayed() throws {
    func directives(_ seed: UInt64) throws -> [CoordinatorDirective] {
      var run = SimulatedRun(seed: seed)
      run.startRanks()
      addRequests(&run, count: 15)
      var all: [CoordinatorDirective] = []
      while try run.advance() {
        all += run.directives
        if run.isIdle { break }
      }
      return all
    }
    for seed: UInt64 in 1...5 { #expect(try directives(seed) == directives(seed)) }
  }
}
