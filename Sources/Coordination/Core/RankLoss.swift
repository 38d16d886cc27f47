/// How a rank was lost, with all that is known of its end: what a user needs to find out why.
package struct RankLoss: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Cause: Sendable, Hashable {
    /// The process ended with a code.
    case exited(code: Int32)
    /// The process was ended by a signal.
    case killed(signal: Int32)
    /// There never was a process.
    case notStarted
    /// Its pulses stopped, or it computes without getting anywhere.
    case hung
    /// It did not do in time what was asked of it.
    case late
    /// Its link or its messages are broken.
    case unreachable
    /// It said itself that it cannot go on.
    case gaveUp
  }

  package var cause: Cause
  /// The sentence without its subject: "was killed by signal 9 (SIGKILL)".
  package var text: String
  /// What it wrote last to its error output, oldest first.
  package var lastLines: [String]

  package init(_ cause: Cause, _ text: String, lastLines: [String] = []) {
    self.cause = cause
    self.text = text
    self.lastLines = lastLines
  }

  package var description: String { text }

  /// A worker says why it gives up twice: to its coordinator, and with its last line, "error: ...", on its error output.
  /// Its end can overtake the first, and must not look like one that nobody can explain.
  var inItsOwnWords: RankLoss {
    let mark = "error: "
    // Other codes are not its own verdict: one that lost its coordinator leaves with another.
    guard case .exited(code: 1) = cause, let words = lastLines.last, words.hasPrefix(mark) else {
      return self
    }
    return RankLoss(.gaveUp, "gave up: \(words.dropFirst(mark.count))", lastLines: lastLines.dropLast())
  }
}

/// What is done when a rank is lost.
package enum RankLossPolicy: Sendable, Hashable {
  /// Start the rank again, as often as `CoordinatorSettings.restarts` allows.
  case respawn
  /// Let a process that waits for it take the rank's place; start the rank again when none is ready.
  case spare
  /// Go on with fewer ranks; start the rank again when no smaller mesh is left.
  case shrink
  /// End the run.
  case fail
}

/// How often ranks may be replaced before the run is given up.
///
/// The rule of supervisors that restart children within an intensity (Erlang/OTP "sup_princ"): a crash loop must end
/// in an error, not in a loop.
package struct RestartLimits: Sendable, Hashable {
  /// Most losses of one rank within `window` that are answered by a replacement.
  package var count = 3
  package var window: Duration = .seconds(60)
  /// Pause before the second replacement within the window; doubles with each further one, up to `longestPause`.
  package var firstPause: Duration = .milliseconds(200)
  package var longestPause: Duration = .seconds(10)
  /// Most consecutive attempts at one step that fail without the loss of a rank; the rank to blame is replaced then.
  package var stepAttempts = 3

  package init() {}

  /// The pause before the `number`-th replacement within the window, from 1.
  package func pause(before number: Int) -> Duration {
    guard number > 1 else { return .zero }
    var pause = firstPause
    for _ in 2..<max(2, min(number, 40)) where pause < longestPause { pause *= 2 }
    return min(pause, longestPause)
  }
}

/// How a replica came back after the loss of one or more ranks, or after a step that failed.
package struct Recovery: Sendable, Hashable {
  package var replica: Int
  /// Ranks that were replaced, in the order of their loss; empty when a step was only tried again.
  package var ranks: [Int]
  /// From the first loss until the steps go on.
  package var duration: Duration

  package init(replica: Int, ranks: [Int], duration: Duration) {
    self.replica = replica
    self.ranks = ranks
    self.duration = duration
  }
}
