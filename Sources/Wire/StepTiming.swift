/// When one rank did what in one step, on that rank's own monotonic clock.
///
/// All times but `received` are nanoseconds after it; a step of more than four seconds is cut there.
package struct StepTiming: Sendable, Hashable {
  package var epoch: Epoch
  package var step: StepNumber
  /// Rows of the rank's attention group.
  package var rows: UInt32
  /// The step plan came in, in nanoseconds of the monotonic clock.
  package var received: UInt64
  /// The plan was read and the program began.
  package var begun: UInt32
  /// The program ended.
  package var ended: UInt32
  /// The result, if this rank reports one, was handed to the link.
  package var sent: UInt32
  /// Two for each element of the rank's program: the main thread's share was done; all threads were.
  package var marks: [UInt32]
  package var exchanges: [ExchangeTiming]

  package init(
    epoch: Epoch, step: StepNumber, rows: UInt32, received: UInt64, begun: UInt32 = 0, ended: UInt32 = 0,
    sent: UInt32 = 0, marks: [UInt32] = [], exchanges: [ExchangeTiming] = []
  ) {
    self.epoch = epoch
    self.step = step
    self.rows = rows
    self.received = received
    self.begun = begun
    self.ended = ended
    self.sent = sent
    self.marks = marks
    self.exchanges = exchanges
  }
}

/// One exchange of a step, in nanoseconds after the plan came in.
package struct ExchangeTiming: Sendable, Hashable, BitwiseCopyable {
  package var operation: StepOperation
  /// Which of the program's synchronisation points it belongs to.
  package var point: UInt32
  /// Its number in the step, which is the same on all ranks.
  package var sequence: UInt32
  package var started: UInt32
  /// All frames had been handed to the link.
  package var posted: UInt32
  /// The last frame that was waited for had come.
  package var arrived: UInt32
  package var ended: UInt32
  /// The rank whose frame came last; -1 when nothing had to be waited for.
  package var lastPeer: Int32
  package var frames: UInt32
  package var bytesSent: UInt64

  package init(
    operation: StepOperation, point: UInt32, sequence: UInt32, started: UInt32, posted: UInt32,
    arrived: UInt32, ended: UInt32, lastPeer: Int32, frames: UInt32, bytesSent: UInt64
  ) {
    self.operation = operation
    self.point = point
    self.sequence = sequence
    self.started = started
    self.posted = posted
    self.arrived = arrived
    self.ended = ended
    self.lastPeer = lastPeer
    self.frames = frames
    self.bytesSent = bytesSent
  }
}

/// What the coordinator asks of a worker between steps.
package enum Inquiry: Sendable, Hashable {
  /// The time on the worker's clock; the number comes back with it.
  case clock(UInt32)
  /// Keep the times of the newest `steps` steps from now on; 0 keeps none.
  case recordTimes(steps: UInt32)
  /// The times that were kept.
  case times
  /// How fast the rank's threads read memory.
  case readBandwidth
}

/// A worker's answer to an inquiry.
package enum InquiryAnswer: Sendable, Hashable {
  /// The number of the inquiry and nanoseconds of the monotonic clock.
  case clock(UInt32, UInt64)
  /// Steps in order, and how many older ones were dropped.
  case times([StepTiming], dropped: UInt64)
  /// Bytes per second.
  case readBandwidth(Double)
}
