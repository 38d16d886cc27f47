internal import Compute

/// A point on the monotonic clock by which a wait must end.
///
/// There is no "never": every wait in this project is bounded.
package struct Deadline: Sendable, Hashable, Comparable {
  /// Nanoseconds of CLOCK_MONOTONIC.
  package var nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// Already passed: ask once, do not wait.
  package static let immediate = Deadline(nanoseconds: 0)

  /// `duration` from now, at most about 292 years.
  package static func after(_ duration: Duration) -> Deadline {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0 else { return .immediate }
    let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let limit = UInt64(Int64.max)
    guard !overflow, whole <= limit - now - 1_000_000_000 else { return Deadline(nanoseconds: limit) }
    return Deadline(nanoseconds: now + whole + UInt64(attoseconds / 1_000_000_000))
  }

  /// `milliseconds` from now.
  package static func after(milliseconds: Int) -> Deadline { after(.milliseconds(milliseconds)) }

  /// The monotonic clock's reading, in nanoseconds.
  package static var now: UInt64 { MonotonicClock.now }

  package var hasPassed: Bool { Deadline.now >= nanoseconds }

  /// Time left, zero when passed.
  package var remaining: Duration {
    let now = Deadline.now
    return now >= nanoseconds ? .zero : .nanoseconds(Int64(clamping: nanoseconds - now))
  }

  /// Nanoseconds left, zero when passed.
  package var remainingNanoseconds: Int64 {
    let now = Deadline.now
    return now >= nanoseconds ? 0 : Int64(clamping: nanoseconds - now)
  }

  /// Time left in whole milliseconds, rounded up so that a poll never ends early; at most one hour.
  package var pollMilliseconds: Int {
    let now = Deadline.now
    guard now < nanoseconds else { return 0 }
    return Int(min((nanoseconds - now + 999_999) / 1_000_000, 3_600_000))
  }

  package static func < (left: Deadline, right: Deadline) -> Bool { left.nanoseconds < right.nanoseconds }
}
