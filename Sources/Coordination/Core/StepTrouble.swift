internal import Scheduling
internal import Wire

/// What has gone wrong since the last completed step, while all ranks were there: decides what is tried next.
///
/// Most trouble of links passes: the first answer is to try again in a new epoch, which costs no rank its memory. What
/// stays is met by replacing the rank that is named, then the one that complains, and in the end by giving up with the
/// name of the link. Every way through is finite.
struct StepTrouble: Sendable, Hashable {
  private(set) var attempts = 0
  private(set) var replaced: [Int] = []

  enum Answer: Sendable, Hashable {
    case retry(after: Duration)
    case replace(Int)
    case giveUp
  }

  /// - Parameter named: the rank that is said to be at fault; the reporter itself, when nobody else is.
  mutating func answer(
    to code: Abort.Code, reporter: Int, named: Int, _ limits: RestartLimits
  ) -> Answer {
    attempts += 1
    // Two deadlines are long already, and numbers that are wrong twice are wrong in memory.
    let isPatient = code != .collectiveDeadline && code != .numeric
    guard attempts >= (isPatient ? limits.stepAttempts : min(2, limits.stepAttempts)) else {
      return .retry(after: limits.pause(before: attempts))
    }
    guard let next = [named, reporter].first(where: { !replaced.contains($0) }) else { return .giveUp }
    replaced.append(next)
    return .replace(next)
  }

  /// Why the run ends, as one sentence without its last full stop.
  func verdict(reporter: Int, named: Int, _ text: String) -> String {
    guard named != reporter else {
      return
        "rank \(reporter) failed \(attempts) attempts at a step in a row, though it was replaced: \(text)"
    }
    return
      "the link from rank \(named) to rank \(reporter) does not work: \(attempts) attempts at a step failed in a"
      + " row, though both ranks were replaced: \(text)"
  }
}

/// Deadlines that passed in one step. A rank that is stuck makes others wait for it in later operations, and their
/// deadlines pass a moment later, or, by an accident of scheduling, earlier: who is stuck at the earliest operation
/// has missed a frame, the others only follow.
struct Complaints: Sendable {
  private var entries: [(rank: Int, abort: Abort)] = []
  /// When they are judged; nil while there are none.
  private(set) var heardAt: Timestamp?

  /// How long further complaints are waited for; short beside any deadline.
  static let patience = Duration.milliseconds(20)

  var count: Int { entries.count }

  mutating func add(_ abort: Abort, from rank: Int, _ now: Timestamp) {
    guard !entries.contains(where: { $0.rank == rank }) else { return }
    entries.append((rank, abort))
    heardAt = heardAt ?? now + Self.patience
  }

  /// The complaint that counts; none are left.
  mutating func take() -> (rank: Int, abort: Abort)? {
    defer { self = Complaints() }
    return entries.min { $0.abort.operation < $1.abort.operation }
  }
}
