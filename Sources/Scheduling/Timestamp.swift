/// A moment on a monotonic clock that someone else reads: the core never looks at a clock itself.
package struct Timestamp: Sendable, Hashable, Comparable, BitwiseCopyable {
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  package static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

  /// The moment `duration` later; saturates at the end of time.
  package static func + (moment: Timestamp, duration: Duration) -> Timestamp {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return Timestamp(nanoseconds: seconds < 0 ? .min : .max) }
    let (part, partOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    let (sum, sumOverflow) = moment.nanoseconds.addingReportingOverflow(part)
    guard !partOverflow, !sumOverflow else { return Timestamp(nanoseconds: seconds < 0 ? .min : .max) }
    return Timestamp(nanoseconds: sum)
  }

  package static func - (later: Timestamp, earlier: Timestamp) -> Duration {
    .nanoseconds(later.nanoseconds) - .nanoseconds(earlier.nanoseconds)
  }
}
