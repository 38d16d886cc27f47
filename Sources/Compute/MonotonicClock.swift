internal import Glibc

/// The clock of deadlines and recorded times: it never goes back, and all processes of a host read the same one.
package enum MonotonicClock {
  /// Nanoseconds of CLOCK_MONOTONIC.
  package static var now: UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
