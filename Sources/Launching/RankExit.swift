internal import Glibc

/// The end of a rank's process, with what it said last.
package struct RankExit: Sendable, Equatable, CustomStringConvertible {
  package enum Ending: Sendable, Equatable, CustomStringConvertible {
    case exited(code: Int32)
    case killed(signal: Int32)
    /// It never ran; the reason in words.
    case notStarted(reason: String)

    /// The sentence without its subject, for instance "was killed by signal 9 (SIGKILL)".
    package var description: String {
      switch self {
      case .exited(let code): "exited with code \(code)"
      case .killed(let signal): "was killed by signal \(signal)" + signalName(signal)
      case .notStarted(let reason): "could not be started: \(reason)"
      }
    }
  }

  package let rank: Int
  package let host: String
  package let incarnation: Incarnation
  /// Process id; nil when it never ran.
  package let pid: Int32?
  package let ending: Ending
  /// The last lines that it wrote to standard error, oldest first, at most `LineTail.maxLines`.
  package let lastLines: [String]

  /// One sentence without the last lines, for instance "rank 1 on localhost (process 4711) was killed by
  /// signal 9 (SIGKILL)".
  package var description: String {
    "rank \(rank) on \(host)" + (pid.map { " (process \($0))" } ?? "") + " \(ending)"
  }
}

/// Tells the processes of one rank apart: each start has its own, never used again by the same launcher.
package struct Incarnation: Sendable, Hashable, Comparable {
  package let number: Int

  package init(_ number: Int) { self.number = number }

  package static func < (left: Incarnation, right: Incarnation) -> Bool { left.number < right.number }
}

/// The end of a text that grows line by line, bounded in lines and in length of a line.
struct LineTail: Sendable {
  static let maxLines = 20
  static let maxCharacters = 500

  private(set) var lines: [String] = []

  mutating func append(_ line: String) {
    if line.allSatisfy(\.isWhitespace) { return }
    if lines.count == Self.maxLines { lines.removeFirst() }
    lines.append(line.count > Self.maxCharacters ? line.prefix(Self.maxCharacters) + "..." : line)
  }
}

private func signalName(_ signal: Int32) -> String {
  let names: [Int32: String] = [
    SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
    SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV",
    SIGPIPE: "SIGPIPE", SIGTERM: "SIGTERM",
  ]
  return names[signal].map { " (\($0))" } ?? ""
}
