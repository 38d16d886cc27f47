/// One thing that is broken: what, where, when, for how long.
package struct Fault: Sendable, Equatable {
  package var kind: Kind
  package var target: Target
  package var trigger: Trigger
  /// How long it lasts; nil is for ever. A process that is paused goes on after it, a link works again.
  package var milliseconds: Int?
  /// Of link kinds: how often or how much, in the unit of the kind; nil takes the kind's own.
  package var amount: Double?
  /// Of link kinds: most frames that it hits on each rank.
  package var times: Int?
  /// Of link kinds: only frames of this operation within a step.
  package var operation: Int?

  package init(
    _ kind: Kind, _ target: Target, trigger: Trigger, milliseconds: Int? = nil, amount: Double? = nil,
    times: Int? = nil, operation: Int? = nil
  ) {
    self.kind = kind
    self.target = target
    self.trigger = trigger
    self.milliseconds = milliseconds
    self.amount = amount
    self.times = times
    self.operation = operation
  }

  package init(_ kind: Kind, rank: Int, trigger: Trigger, milliseconds: Int? = nil) {
    self.init(kind, .ranks([rank]), trigger: trigger, milliseconds: milliseconds)
  }

  /// The rank that it is about first.
  package var rank: Int { target.ranks.first ?? 0 }

  package enum Target: Sendable, Equatable {
    /// These processes; of a link kind, all links between them and the others.
    case ranks([Int])
    /// Frames from the one rank to the other.
    case link(from: Int, to: Int)
    /// All links.
    case everywhere

    package var ranks: [Int] {
      switch self {
      case .ranks(let ranks): ranks
      case .link(let from, let to): [from, to]
      case .everywhere: []
      }
    }
  }

  package enum Trigger: Sendable, Equatable {
    /// When so many tokens have come over all requests.
    case tokens(Int)
    /// When the replacement of an earlier fault has been started: a second fault inside recovery.
    case recovery
    /// So long after the first request.
    case milliseconds(Int)
    /// When so many steps are complete; of a link kind, frames from that step on.
    case step(Int)
    /// With this chance at each token, drawn from the plan's seed.
    case chance(Double)
  }

  /// The doors are those of the world: signals to real processes, a worse link around the link, a broken file.
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
    /// SIGKILL to all its ranks at once.
    case hostLoss = "host-loss"
    /// A memory cgroup with no memory left; the kernel kills it.
    case outOfMemory = "out-of-memory"
    /// The weights in the worker's memory become not-a-numbers: `amount` of them, half when not given.
    case nan
    /// Exponents of `times` weights in memory get their highest bit set.
    case bitFlip = "bit-flip"
    /// SIGKILL, and the file of the weights is cut in half, or gone, until `for_ms` is over.
    case checkpointCorrupt = "checkpoint-corrupt"
    case checkpointMissing = "checkpoint-missing"
    /// The wall clock of the host jumps ahead by `amount` seconds, an hour when not given, and back.
    case clockJump = "clock-jump"
    /// A worker of another build knocks at the coordinator.
    case wrongVersion = "wrong-version"
    /// A worker without a key knocks at it; for encrypted TCP.
    case stranger
    /// SIGKILL to the coordinator, which is then started again with its journal.
    case coordinatorKill = "coordinator-kill"
    /// The journal cannot grow any more, until `for_ms` after that was noticed.
    case diskFull = "disk-full"

    /// Frames come later, by `amount` microseconds.
    case delay
    /// Frames come later by up to `amount` microseconds.
    case jitter
    /// `amount` megabits per second.
    case bandwidth
    /// Frames vanish, come twice, are overtaken, have a bit flipped, lose their end, with a chance of `amount`.
    case drop, duplicate, reorder, corrupt, truncate
    /// A bit of what a frame carries is wrong before its checksum is made, with a chance of `amount`: a fault of memory
    /// or arithmetic, which no link can see. Ranks compare digests in such a drill.
    case activationFlip = "activation-flip"
    /// Frames of the epoch before come along.
    case stale
    /// No frame gets through, in the one direction.
    case cut
    /// No frame gets through between the ranks given and the others, both ways.
    case partition

    package var isLink: Bool {
      switch self {
      case .kill, .stop, .crash, .terminate, .pause, .hostLoss, .coordinatorKill, .diskFull, .outOfMemory,
        .nan,
        .bitFlip,
        .checkpointCorrupt,
        .checkpointMissing, .clockJump, .wrongVersion, .stranger:
        false
      case .delay, .jitter, .bandwidth, .drop, .duplicate, .reorder, .corrupt, .activationFlip, .truncate,
        .stale, .cut, .partition:
        true
      }
    }

    /// Somebody knocks who has no business here.
    package var isVisitor: Bool { self == .wrongVersion || self == .stranger }

    /// It is about the coordinator's process and its journal.
    package var concernsCoordinator: Bool { self == .coordinatorKill || self == .diskFull }

    /// It needs a checkpoint that may be broken.
    var breaksCheckpoint: Bool { self == .checkpointCorrupt || self == .checkpointMissing }

    /// It needs to know where weights lie.
    var breaksMemory: Bool { self == .nan || self == .bitFlip }

    /// It is about no rank in particular.
    var isEverywhere: Bool { isLink && self != .partition && self != .cut || self == .clockJump }

    /// It makes frames late and nothing else.
    package var isShaping: Bool { self == .delay || self == .jitter || self == .bandwidth }

    /// The number of its signal on Linux; nil for what is no signal.
    var signal: Int32? {
      switch self {
      case .kill, .hostLoss, .coordinatorKill, .checkpointCorrupt, .checkpointMissing: 9
      case .stop, .pause: 19
      case .crash: 11
      case .terminate: 15
      default: nil
      }
    }

    /// Whether the product can live with it without doing anything: nobody notices, nothing is replaced.
    package var isTolerated: Bool {
      switch self {
      case .wrongVersion, .stranger, .clockJump, .pause, .delay, .jitter, .bandwidth, .duplicate, .reorder,
        .stale:
        true
      default: false
      }
    }
  }
}
