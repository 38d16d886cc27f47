/// What is to be broken in a run, and when: a value that can be written, read and replayed.
package struct FaultPlan: Sendable, Equatable {
  /// Where it came from: a file, or the seed of a random one.
  package var name: String
  package var seed: UInt64
  package var faults: [Fault]
  /// Whether the run is expected to keep every token; a plan may also be about a run that must end with an error.
  package var expectsSuccess: Bool

  package init(name: String, seed: UInt64 = 0, faults: [Fault], expectsSuccess: Bool = true) {
    self.name = name
    self.seed = seed
    self.faults = faults
    self.expectsSuccess = expectsSuccess
  }
}

/// One thing that is done to one rank, once.
package struct Fault: Sendable, Equatable {
  package var kind: Kind
  package var rank: Int
  package var trigger: Trigger
  /// How long a pause lasts.
  package var milliseconds: Int

  package init(_ kind: Kind, rank: Int, trigger: Trigger, milliseconds: Int = 0) {
    self.kind = kind
    self.rank = rank
    self.trigger = trigger
    self.milliseconds = milliseconds
  }

  /// Faults come in by signals to real processes; no engine code knows of them.
  package enum Kind: String, Sendable, CaseIterable {
    /// SIGKILL: gone at once, as by the out-of-memory killer.
    case kill
    /// SIGSTOP for ever: a process that hangs.
    case stop
    /// SIGSEGV: a crash.
    case crash
    /// SIGTERM: it leaves with an exit code.
    case terminate
    /// SIGSTOP, and SIGCONT after a while: a straggler, or a host that swaps.
    case pause
  }

  package enum Trigger: Sendable, Equatable {
    /// When so many tokens have come over all requests.
    case tokens(Int)
    /// When the replacement of an earlier fault has been started: a second fault inside recovery.
    case recovery
  }
}

extension FaultPlan {
  /// A plan of one to three faults that follows from `seed` alone; one in five is a double fault.
  package static func random(seed: UInt64, worldSize: Int, tokens: Int) -> FaultPlan {
    var random = PlanRandom(state: seed)
    var faults: [Fault] = []
    for _ in 0...random.below(3) {
      let kinds: [Fault.Kind] = [.kill, .kill, .stop, .crash, .terminate, .pause]
      faults.append(
        Fault(
          kinds[random.below(kinds.count)], rank: random.below(worldSize),
          trigger: .tokens(1 + random.below(max(1, tokens * 3 / 4))), milliseconds: 20 + random.below(300)))
    }
    if random.below(5) == 0 {
      faults.append(Fault(.kill, rank: random.below(worldSize), trigger: .recovery))
    }
    return FaultPlan(name: "random plan of seed \(seed)", seed: seed, faults: faults)
  }

  /// SplitMix64 (Steele, Lea, Flood 2014).
  private struct PlanRandom {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return Int((z ^ (z >> 31)) % UInt64(bound))
    }
  }
}

/// What is wrong with a plan: one sentence with file and line.
package struct FaultPlanError: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
