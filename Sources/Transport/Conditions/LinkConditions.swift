/// What the links between ranks are like: slower than they are, or faulty. A value that can be written and read.
///
/// The text form, also that of `--link-conditions`: rules divided by `;`, each a list of `key=value` divided by commas,
/// with the ranks in front where it is not for all links: `delay=200us,jitter=50us,rate=1gbit`, `0>1:drop=0.01`,
/// `0-1:cut,for=2s`, `*>2:delay=1ms;seed=7`. `a>b` is one direction, `a-b` both, `*` any rank. `clear` is no rule at
/// all: links that can be given conditions later.
package struct LinkConditions: Sendable, Hashable {
  /// All that fit a frame apply to it.
  package var rules: [LinkRule]
  /// What is drawn follows from it, the two ranks and the number of the frame.
  package var seed: UInt64

  package init(rules: [LinkRule] = [], seed: UInt64 = 0) {
    self.rules = rules
    self.seed = seed
  }

  /// Rules that only slow frames down, as a longer or narrower wire would.
  package var isShapingOnly: Bool { rules.allSatisfy { $0.faultsInWords.isEmpty } }
}

/// What happens to the frames of some links, always or for a while.
package struct LinkRule: Sendable, Hashable {
  /// The sending rank; nil is any.
  package var from: Int?
  /// The receiving rank; nil is any.
  package var to: Int?
  /// The other direction as well.
  package var isBothWays = false

  /// Added to the way of every frame.
  package var delay = Duration.zero
  /// Up to so much is added on top, drawn evenly; the order of frames stays.
  package var jitter = Duration.zero
  /// Bits per second; 0 does not limit.
  package var rate = 0.0

  /// Chance of each frame to vanish, to come twice, to be overtaken by later ones, to have one bit flipped, to lose its
  /// end, and to be preceded by a frame of the epoch before.
  package var drop = 0.0
  package var duplicate = 0.0
  package var reorder = 0.0
  package var corrupt = 0.0
  /// Chance of one bit to be wrong already when the frame gets its checksum: nothing of the link can see it.
  package var falsify = 0.0
  package var truncate = 0.0
  package var stale = 0.0
  /// Nothing gets through.
  package var isCut = false

  /// From so long after the rule came into force.
  package var after = Duration.zero
  /// For so long; nil is for ever.
  package var duration: Duration?
  /// Frames of this step on.
  package var firstStep: UInt64 = 0
  /// Frames of this operation within its step; nil is any.
  package var operation: UInt32?
  /// Most faults over all links of the rank; nil has no limit.
  package var times: Int?

  package init(from: Int? = nil, to: Int? = nil, isBothWays: Bool = false) {
    self.from = from
    self.to = to
    self.isBothWays = isBothWays
  }

  /// Whether a frame goes over one of its links.
  func covers(_ source: Int, _ peer: Int) -> Bool {
    func fits(_ a: Int, _ b: Int) -> Bool { (from ?? a) == a && (to ?? b) == b }
    return fits(source, peer) || isBothWays && fits(peer, source)
  }

  /// The faults that it can do, in the order in which they are drawn.
  var faultsInWords: [(word: String, chance: Double)] {
    let all = [
      ("drop", drop), ("duplicate", duplicate), ("reorder", reorder), ("corrupt", corrupt),
      ("truncate", truncate), ("stale", stale), ("falsify", falsify), ("cut", isCut ? 1 : 0),
    ]
    return all.filter { $0.1 > 0 }.map { (word: $0.0, chance: $0.1) }
  }
}

/// How often a link did something to a frame.
package struct LinkFaultCounts: Sendable, Hashable {
  package var dropped = 0
  package var duplicated = 0
  package var reordered = 0
  package var corrupted = 0
  package var falsified = 0
  package var truncated = 0
  package var replayed = 0
  /// Frames that were given back later than they came.
  package var delayed = 0
  /// Monotonic clock, nanoseconds: when the first frame was lost or changed; 0 is never.
  package var firstAt: UInt64 = 0

  package init() {}

  /// All but delays.
  package var faults: Int { dropped + duplicated + reordered + corrupted + falsified + truncated + replayed }
}
