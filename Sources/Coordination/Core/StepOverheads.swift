package import Wire

/// What steps took beside the work of their ranks: scheduling, messages both ways and waking up.
///
/// One sample is the time from the last result of one step to the last result of the next, less the time that the
/// slowest reporting rank worked on it. Steps that do not follow one another give none.
package struct StepOverheads: Sendable, Hashable {
  /// Nanoseconds, one for each pair of steps, in order.
  package private(set) var samples: [UInt64] = []
  private var step = StepNumber(rawValue: 0)
  private var arrival: UInt64 = 0
  private var work: UInt64 = 0
  /// When the last result of the step before came; 0 when that was another run.
  private var before: UInt64 = 0

  package init() {}

  /// Takes in one result of `step`, which came `now`; `work` is what its rank says it took. All in nanoseconds.
  package mutating func note(_ step: StepNumber, work: UInt64, at now: UInt64) {
    if step != self.step {
      finish()
      before = step == self.step.next ? arrival : 0
      self.step = step
      self.work = 0
    }
    arrival = now
    self.work = max(self.work, work)
  }

  /// The sample of the newest step, whose results are all in.
  package mutating func finish() {
    if before > 0, arrival >= before + work { samples.append(arrival - before - work) }
    before = 0
  }
}
