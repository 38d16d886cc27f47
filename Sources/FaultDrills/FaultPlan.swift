internal import Transport
/// What is to be broken in a run, and when: a value that can be written, read and replayed.
package struct FaultPlan: Sendable, Equatable {
  /// Where it came from: a file, or the seed of a random one.
  package var name: String
  package var seed: UInt64
  package var faults: [Fault]
  /// Whether the run is expected to keep every token; a plan may also be about a run that must end with an error.
  package var expectsSuccess: Bool
  /// What that error must say.
  package var expectedError: String?
  /// Whether the drill has failed when a fault found no occasion: a plan that tests nothing must not pass.
  package var needsEveryFault: Bool
  /// Longest wait inside one collective in this drill; nil takes the run's.
  package var deadlineMilliseconds: Int?

  package init(
    name: String, seed: UInt64 = 0, faults: [Fault], expectsSuccess: Bool = true,
    expectedError: String? = nil, needsEveryFault: Bool = false, deadlineMilliseconds: Int? = nil
  ) {
    self.name = name
    self.seed = seed
    self.faults = faults
    self.expectsSuccess = expectsSuccess
    self.expectedError = expectedError
    self.needsEveryFault = needsEveryFault
    self.deadlineMilliseconds = deadlineMilliseconds
  }
}

extension FaultPlan {
  /// A plan of one to three faults that follows from `seed` alone; one in five is a double fault.
  package static func random(seed: UInt64, worldSize: Int, tokens: Int) -> FaultPlan {
    var random = SeededDraws(state: seed)
    var faults: [Fault] = []
    for _ in 0...random.below(3) {
      let trigger = Fault.Trigger.tokens(1 + random.below(max(1, tokens * 3 / 4)))
      if worldSize > 1, random.below(2) == 0 {
        faults.append(linkFault(&random, worldSize, trigger))
        continue
      }
      let kinds: [Fault.Kind] = [.kill, .kill, .stop, .crash, .terminate, .pause]
      let kind = kinds[random.below(kinds.count)]
      let milliseconds = 20 + random.below(300)
      faults.append(
        Fault(
          kind, rank: random.below(worldSize), trigger: trigger,
          milliseconds: kind == .pause ? milliseconds : nil))
    }
    if random.below(5) == 0 {
      faults.append(Fault(.kill, rank: random.below(worldSize), trigger: .recovery))
    }
    return FaultPlan(name: "random plan of seed \(seed)", seed: seed, faults: faults)
  }

  private static func linkFault(
    _ random: inout SeededDraws, _ worldSize: Int, _ trigger: Fault.Trigger
  ) -> Fault {
    let kinds: [Fault.Kind] = [
      .drop, .duplicate, .reorder, .corrupt, .truncate, .stale, .cut, .partition, .delay, .jitter, .bandwidth,
    ]
    let kind = kinds[random.below(kinds.count)]
    let from = random.below(worldSize)
    let to = (from + 1 + random.below(worldSize - 1)) % worldSize
    let link = Fault.Target.link(from: from, to: to)
    switch kind {
    case .drop, .corrupt, .truncate:
      return Fault(kind, link, trigger: trigger, amount: 0.2, times: 1 + random.below(2))
    case .duplicate, .reorder, .stale:
      return Fault(kind, random.below(2) == 0 ? .everywhere : link, trigger: trigger, amount: 0.1)
    case .cut: return Fault(kind, link, trigger: trigger, milliseconds: 20 + random.below(300))
    case .partition:
      return Fault(kind, .ranks([from]), trigger: trigger, milliseconds: 20 + random.below(300))
    case .bandwidth: return Fault(kind, link, trigger: trigger, amount: Double(20 + random.below(200)))
    default: return Fault(kind, .everywhere, trigger: trigger, amount: Double(50 + random.below(500)))
    }
  }
}

extension FaultPlan {
  /// It is about the coordinator's own process, which then cannot be this one.
  package var concernsCoordinator: Bool { faults.contains { $0.kind.concernsCoordinator } }
}

/// What is wrong with a plan: one sentence with file and line.
package struct FaultPlanError: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
