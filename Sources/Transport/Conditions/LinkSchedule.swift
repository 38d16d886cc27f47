internal import Wire

/// Decides what becomes of each frame that a rank sends: a pure value, equal frames at equal times give equal fates.
///
/// Every direction of every pair draws from a stream of its own, keyed by the seed and the two ranks, so that what
/// happens on one link does not depend on how busy another one is.
package struct LinkSchedule: Sendable {
  private let rank: Int
  private var entries: [Entry] = []
  private var links: [LinkState]

  /// A rule in force.
  private struct Entry: Sendable {
    var rule: LinkRule
    /// Monotonic clock, nanoseconds.
    var since: UInt64
    var faults = 0
  }

  private struct LinkState: Sendable {
    var random: SeededDraws
    /// When the wire has taken the frames so far.
    var isBusyUntil: UInt64 = 0
    var lastArrival: UInt64 = 0
  }

  package init(_ conditions: LinkConditions, rank: Int, worldSize: Int, now: UInt64) {
    self.rank = rank
    links = (0..<worldSize).map { peer in
      LinkState(random: SeededDraws(seed: conditions.seed, stream: UInt64(rank) << 32 | UInt64(peer)))
    }
    update(conditions, now: now)
  }

  /// Takes other conditions. Rules that were in force already go on where they are.
  package mutating func update(_ conditions: LinkConditions, now: UInt64) {
    var known = entries
    entries = conditions.rules.map { rule in
      guard let index = known.firstIndex(where: { $0.rule == rule }) else {
        return Entry(rule: rule, since: now)
      }
      return known.remove(at: index)
    }
  }

  /// Whether any rule is there.
  package var isClear: Bool { entries.isEmpty }

  /// What happens to a frame of `frameBytes` bytes, header included, sent at `now`.
  package mutating func fate(
    of target: FrameTarget, frameBytes: Int, now: UInt64
  ) -> FrameFate {
    var fate = FrameFate()
    var (extra, rate) = (UInt64(0), Double.infinity)
    for index in entries.indices where applies(entries[index], to: target, now) {
      let rule = entries[index].rule
      extra += Self.nanoseconds(rule.delay)
      if rule.jitter > .zero {
        extra += UInt64(links[target.peer].random.unit() * Double(Self.nanoseconds(rule.jitter)))
      }
      if rule.rate > 0 { rate = min(rate, rule.rate) }
      draw(index, target.peer, frameBytes, &fate)
    }
    let sent = max(now, links[target.peer].isBusyUntil)
    if rate.isFinite {
      links[target.peer].isBusyUntil = sent + UInt64(Double(frameBytes) * 8 / rate * 1e9)
      extra += links[target.peer].isBusyUntil - now
    }
    guard extra > 0 || fate.isOvertaken else { return fate }
    var arrival = now + extra
    if fate.isOvertaken {
      arrival += Self.overtakingTime
    } else {
      arrival = max(arrival, links[target.peer].lastArrival)
      links[target.peer].lastArrival = arrival
    }
    fate.hold = min(arrival - now, Self.longestHold)
    return fate
  }

  /// How long a frame that is overtaken stays behind.
  private static let overtakingTime: UInt64 = 1_000_000
  private static let longestHold: UInt64 = 600_000_000_000

  private func applies(_ entry: Entry, to target: FrameTarget, _ now: UInt64) -> Bool {
    let rule = entry.rule
    let age = now - min(now, entry.since)
    return rule.covers(rank, target.peer) && age >= Self.nanoseconds(rule.after)
      && rule.duration.map { age < Self.nanoseconds(rule.after + $0) } ?? true
      && target.step.rawValue >= rule.firstStep && (rule.operation ?? target.sequence) == target.sequence
  }

  /// Draws the faults of one rule, until it has done as many as it may.
  private mutating func draw(_ index: Int, _ peer: Int, _ frameBytes: Int, _ fate: inout FrameFate) {
    for (word, chance) in entries[index].rule.faultsInWords {
      guard links[peer].random.unit() < chance else { continue }
      guard entries[index].rule.times.map({ entries[index].faults < $0 }) ?? true else { return }
      entries[index].faults += 1
      switch word {
      case "drop", "cut": fate.isDropped = true
      case "duplicate": fate.copies = 2
      case "reorder": fate.isOvertaken = true
      case "corrupt": fate.flippedBit = links[peer].random.below(frameBytes * 8)
      case "falsify": fate.flippedPayloadBit = links[peer].random.below(max(1, frameBytes * 8))
      case "truncate": fate.keptBytes = links[peer].random.below(frameBytes)
      default: fate.bringsStaleFrame = true
      }
    }
  }

  private static func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(clamping: seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}

/// What becomes of one frame.
package struct FrameFate: Sendable, Hashable {
  /// Nanoseconds from its sending until it may be received.
  package var hold: UInt64 = 0
  package var isDropped = false
  package var copies = 1
  /// It comes later than frames that were sent after it.
  package var isOvertaken = false
  /// A bit of the whole frame that is wrong on arrival.
  package var flippedBit: Int?
  /// A bit of the payload, modulo its size, that is wrong before the checksum is made.
  package var flippedPayloadBit: Int?
  /// Only its first bytes arrive.
  package var keptBytes: Int?
  /// A frame of the epoch before comes along.
  package var bringsStaleFrame = false

  package init() {}

  package var isPlain: Bool { self == FrameFate() }
}
