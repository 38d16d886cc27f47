internal import Compute
internal import Transport
package import Wire

/// The times of the newest steps of one rank: a ring whose memory is taken before the first step.
///
/// Writing a time allocates nothing; what a step costs beside the clock is copying its marks.
package final class StepTimeline {
  let marks: StepMarks
  private var ring: [StepTiming]
  private var slot = 0
  private var completed: UInt64 = 0
  /// When the plan of the running step came in.
  package var received: UInt64 = 0

  /// Bytes that the ring takes at most.
  private static let maximumBytes = 16 << 20

  /// - Parameters:
  ///   - programSteps: elements of the rank's program; `exchanges`: those of them that may exchange something.
  ///   - steps: how many steps are kept, fewer when they would take more than 16 MiB.
  init(programSteps: Int, exchanges: Int, steps: Int) {
    marks = StepMarks(steps: programSteps)
    let bytes = programSteps * 8 + exchanges * MemoryLayout<ExchangeTiming>.stride + 128
    let capacity = max(1, min(steps, Self.maximumBytes / bytes))
    ring = (0..<capacity).map { _ in
      var timing = StepTiming(
        epoch: Epoch(rawValue: 0), step: StepNumber(rawValue: 0), rows: 0, received: 0,
        marks: Array(repeating: 0, count: 2 * programSteps))
      timing.exchanges.reserveCapacity(exchanges)
      return timing
    }
  }

  /// A step begins; one that did not end is overwritten.
  func begin(_ plan: StepPlan, rows: Int) {
    let now = Deadline.now
    if received == 0 { received = now }
    ring[slot].epoch = plan.epoch
    ring[slot].step = plan.step
    ring[slot].rows = UInt32(rows)
    ring[slot].received = received
    ring[slot].begun = offset(now)
    ring[slot].exchanges.removeAll(keepingCapacity: true)
  }

  func record(_ exchange: ExchangeTiming) { ring[slot].exchanges.append(exchange) }

  /// Nanoseconds after the plan came in.
  func offset(_ time: UInt64) -> UInt32 { UInt32(clamping: time - min(time, received)) }

  /// The program has run through.
  func end() {
    ring[slot].ended = offset(Deadline.now)
    for index in ring[slot].marks.indices { ring[slot].marks[index] = offset(marks.times[index]) }
  }

  /// The step's result is on its way, or was nobody's business.
  package func close() {
    ring[slot].sent = offset(Deadline.now)
    completed += 1
    slot = (slot + 1) % ring.count
    received = 0
  }

  /// All steps that are kept, oldest first, and how many were dropped.
  package var answer: InquiryAnswer {
    let kept = Int(min(completed, UInt64(ring.count)))
    let first = slot + ring.count - kept
    return .times(
      (0..<kept).map { ring[(first + $0) % ring.count] }, dropped: completed - UInt64(kept))
  }
}
