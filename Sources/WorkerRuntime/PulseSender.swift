internal import Compute
internal import Parsing
internal import Synchronization
internal import Transport
internal import Wire

/// The pulse thread of a worker: tells the coordinator every period that the process lives and where it is, and listens
/// for the answers.
///
/// It has a socket of its own, so that bulk data never delays a pulse, and reads the state of the main thread from
/// atomics, so that "alive but stuck" can be seen. A
/// coordinator that does not answer for `silenceLimit` is dead or hung, or the network between is gone: the worker then
/// leaves, because its place has been taken or its work is wanted by nobody.
final class PulseSender: Sendable {
  private let isStopped = Atomic<Bool>(false)

  /// Silence of the coordinator after which a worker leaves: eight periods, at most four seconds, at least one.
  static func silenceLimit(period: Duration) -> Duration { max(.seconds(1), min(period * 8, .seconds(4))) }

  /// Starts the thread; `coordinatorLost` runs on it when the coordinator has fallen silent.
  init(
    _ connection: WorkerConnection, context: ZMQContext, progress: StepProgress,
    coordinatorLost: @escaping @Sendable (String) -> Void
  ) throws(WorkerError) {
    let started = BackgroundThread.start(name: "pulse") { [self] in
      try? run(connection, context, progress, coordinatorLost)
    }
    guard started else {
      throw .startup("rank \(connection.rank) cannot start its pulse thread; raise `ulimit -u`")
    }
  }

  /// Ends the thread within one period.
  func stop() { isStopped.store(true, ordering: .relaxed) }

  private func run(
    _ connection: WorkerConnection, _ context: ZMQContext, _ progress: StepProgress,
    _ coordinatorLost: (String) -> Void
  ) throws(TransportError) {
    let rank = UInt32(connection.rank)
    let client = try ControlClient(
      context, endpoint: try Endpoint(connection.pulseEndpoint),
      name: WorkerName(
        rank: rank, epoch: connection.epoch, incarnation: connection.incarnation, channel: .pulse),
      checksum: { HardwareChecksum.crc32c($0, $1) })
    let limit = Self.silenceLimit(period: connection.pulsePeriod)
    // Answers come to pulses: with long periods more of them are sent, or the coordinator would seem silent.
    let period = min(connection.pulsePeriod, limit / 4)
    var heard = Deadline.now
    var hasAnswered = false
    while !isStopped.load(ordering: .relaxed) {
      let pulse = progress.pulse(rank: rank)
      // A full queue means that nobody reads: the silence tells the rest.
      try? client.send(
        ControlMessage(kind: .pulse, epoch: pulse.epoch, step: pulse.step, payload: pulse.encoded()),
        deadline: .immediate)
      let started = Deadline.now
      let beat = Deadline.after(period)
      while !beat.hasPassed {
        guard try client.receive(deadline: beat) != nil else { continue }
        heard = Deadline.now
        hasAnswered = true
      }
      let now = Deadline.now
      // Whoever was stopped itself has heard nothing either; that is nobody's silence.
      if Self.duration(now - started) > period * 2 { heard = now }
      if Self.duration(now - heard) > limit {
        coordinatorLost(Self.sentence(now - heard, hasAnswered, connection.coordinator))
      }
    }
  }

  /// One that refuses a key does not answer either.
  private static func sentence(_ nanoseconds: UInt64, _ hasAnswered: Bool, _ coordinator: String) -> String {
    let silence = "\(nanoseconds / 1_000_000) ms"
    if hasAnswered { return "the coordinator has been silent for \(silence); this worker leaves" }
    let place = coordinator.split(separator: "|").first ?? ""
    return
      "nobody has answered at \(place) for \(silence): no coordinator is there, the network keeps it away, or "
      + "it does not know this worker's key; give both sides the same join secret"
  }

  private static func duration(_ nanoseconds: UInt64) -> Duration {
    .nanoseconds(Int64(clamping: nanoseconds))
  }
}
