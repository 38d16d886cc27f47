/// When the main thread had done its own part of each element of a step program, and when all threads had.
///
/// The memory is taken once; a mark is one reading of the clock and one store.
package final class StepMarks {
  /// Nanoseconds of `MonotonicClock`; two for each element of the program.
  package private(set) var times: [UInt64]

  package init(steps: Int) { times = Array(repeating: 0, count: 2 * steps) }

  /// The main thread has done its share of element `index`.
  func worked(_ index: Int) { times[2 * index] = MonotonicClock.now }

  /// All threads have.
  func met(_ index: Int) { times[2 * index + 1] = MonotonicClock.now }
}
