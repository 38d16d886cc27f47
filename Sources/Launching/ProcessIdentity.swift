internal import Foundation
internal import Glibc

/// A process told apart from later ones with the same id: by the time it started.
package struct ProcessIdentity: Sendable, Equatable {
  package let pid: Int32
  /// Clock ticks from boot to its start.
  package let startTicks: UInt64

  /// The process that calls.
  package static var current: ProcessIdentity? { ProcessIdentity(pid: getpid()) }

  /// The process with this id, if there is one and it is not a zombie.
  package init?(pid: Int32) {
    guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
    // The second field is the name in parentheses, which may hold anything: count fields after the last ")".
    let text = String(decoding: data, as: UTF8.self)
    guard let close = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z", fields[0] != "X", let ticks = UInt64(fields[19]) else {
      return nil
    }
    self.init(pid: pid, startTicks: ticks)
  }

  init(pid: Int32, startTicks: UInt64) {
    self.pid = pid
    self.startTicks = startTicks
  }

  /// Whether this very process still runs.
  package var isAlive: Bool { ProcessIdentity(pid: pid) == self }
}
