package import Wire

/// When the coordinator and every rank did what, on the coordinator's clock once offsets are taken off.
package struct MeshTimeline: Sendable {
  /// One rank's steps, and how its clock stands to the coordinator's.
  package struct Rank: Sendable {
    package var rank: Int
    /// What the rank's clock shows more than the coordinator's, in nanoseconds; wrong by half of
    /// `roundTripNanoseconds` at most.
    package var clockOffset: Int64 = 0
    /// The shortest of the round trips from which the offset was estimated.
    package var roundTripNanoseconds: Int64 = .max
    package var steps: [StepTiming] = []
    /// Older steps that found no room.
    package var droppedSteps: UInt64 = 0

    package init(rank: Int) { self.rank = rank }

    /// A time of this rank's clock on the coordinator's, in nanoseconds.
    package func aligned(_ time: UInt64) -> Int64 { Int64(clamping: time) - clockOffset }
  }

  /// One step of one replica as the coordinator sees it, in nanoseconds of its clock.
  package struct Coordinator: Sendable, Hashable {
    package var step: StepNumber
    package var replica: Int
    /// The plan began to leave, had left for all ranks, and the last group's result had come.
    package var planned: UInt64
    package var sent: UInt64
    package var answered: UInt64
  }

  package var ranks: [Rank]
  package var coordinator: [Coordinator]

  package init(ranks: [Rank], coordinator: [Coordinator]) {
    self.ranks = ranks
    self.coordinator = coordinator
  }
}

/// What is being recorded, and answers that come in.
struct TimelineRecording {
  /// Steps that are kept; 0 records nothing.
  var steps = 0
  var coordinator: [MeshTimeline.Coordinator] = []
  /// Oldest entry once the list is full.
  private var oldest = 0
  /// Answers to clock inquiries: the last number and time of each rank, and when it came in.
  var clocks: [Int: (number: UInt32, time: UInt64, at: UInt64)] = [:]
  /// Bytes per second by rank.
  var bandwidths: [Int: Double] = [:]
  var times: [Int: (steps: [StepTiming], dropped: UInt64)] = [:]

  mutating func begin(steps: Int) {
    self = TimelineRecording()
    self.steps = steps
    coordinator.reserveCapacity(steps)
  }

  mutating func planned(_ step: StepNumber, replica: Int, at start: UInt64, sent: UInt64) {
    let entry = MeshTimeline.Coordinator(
      step: step, replica: replica, planned: start, sent: sent, answered: 0)
    if coordinator.count < steps {
      coordinator.append(entry)
    } else {
      coordinator[oldest] = entry
      oldest = (oldest + 1) % coordinator.count
    }
  }

  mutating func answered(_ step: StepNumber, replica: Int, at time: UInt64) {
    guard let index = coordinator.lastIndex(where: { $0.step == step && $0.replica == replica }) else {
      return
    }
    coordinator[index].answered = time
  }

  /// In the order of time.
  var ordered: [MeshTimeline.Coordinator] { Array(coordinator[oldest...] + coordinator[..<oldest]) }
}
