internal import Checkpoints
internal import Compute
internal import Layers
internal import Models
internal import Parsing
internal import Topology
internal import Transport
internal import Wire

/// A process that waits to take the place of any rank.
///
/// It joins under a number after the ranks', and loads the shards of all ranks when twice their bytes are free on its
/// host; otherwise it holds none, and loads its shard when it is promoted: like a rank that is started again, less the
/// start of a process.
package final class SpareWorker {
  private let connection: WorkerConnection
  private let control: ControlClient
  private let context: ZMQContext
  private let progress = StepProgress()
  private var pulses: PulseSender?

  /// What a spare becomes.
  package struct Promoted {
    package var connection: WorkerConnection
    package var shards: [Int: ModelLoading.Loaded]
  }

  package init(
    _ connection: WorkerConnection, coordinatorLost: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(WorkerError) {
    self.connection = connection
    do {
      context = try ZMQContext(security: connection.security)
      control = try ControlClient(
        context, endpoint: try Endpoint(connection.coordinator),
        name: WorkerName(
          rank: UInt32(connection.rank), epoch: connection.epoch, incarnation: connection.incarnation),
        checksum: { HardwareChecksum.crc32c($0, $1) })
    } catch {
      throw .startup("\(error)")
    }
    progress.begin(connection.epoch)
    guard !connection.pulseEndpoint.isEmpty else { return }
    pulses = try PulseSender(
      connection, context: context, progress: progress, coordinatorLost: coordinatorLost)
  }

  deinit { pulses?.stop() }

  /// Loads, and waits for its promotion; nil when it is told to leave instead.
  package func run() throws(WorkerError) -> Promoted? {
    try send(.hello, Hello(connection))
    var shards: [Int: ModelLoading.Loaded] = [:]
    while true {
      guard let message = try receive() else { continue }
      do {
        switch message.kind {
        case .configure:
          let configure = try Configure(decoding: message.payload)
          shards = try load(WorkerSettings(decoding: configure.settings))
        case .promotion:
          let promotion = try Promotion(decoding: message.payload)
          var next = connection
          next.rank = Int(promotion.rank)
          next.incarnation = promotion.incarnation
          next.epoch = promotion.epoch
          next.dataEndpoint = promotion.dataEndpoint
          return Promoted(connection: next, shards: shards)
        case .shutdown, .abort, .refusal: return nil
        default: continue
        }
      } catch {
        throw (error as? WorkerError) ?? WorkerError.startup("\(message.kind) cannot be read: \(error)")
      }
    }
  }

  private func load(_ settings: WorkerSettings) throws(WorkerError) -> [Int: ModelLoading.Loaded] {
    progress.enter(.loading)
    let kernels = KernelTable(try settings.chosenInstructionSet())
    var shards: [Int: ModelLoading.Loaded] = [:]
    var loadedBytes = 0
    for rank in 0..<settings.mesh.worldSize where settings.preloads {
      var mine = settings
      mine.rank = rank
      var last = 0
      shards[rank] = try ModelLoading.load(mine, kernels: kernels) { done, _ in
        self.progress.advance()
        if done - last > 64 << 20 {
          last = done
          self.report(loadedBytes + done)
        }
        return true
      }
      loadedBytes += shards[rank]?.program.weights.byteCount ?? 0
      report(loadedBytes)
    }
    progress.enter(.idle)
    try send(
      .ready,
      Ready(
        rank: UInt32(connection.rank), epoch: connection.epoch, weightBytes: UInt64(loadedBytes),
        numPages: UInt32(settings.limits.numPages)))
    return shards
  }

  private func report(_ bytes: Int) {
    try? send(
      .loadProgress,
      LoadProgress(rank: UInt32(connection.rank), bytesDone: UInt64(bytes), bytesTotal: UInt64(bytes)))
  }

  private func receive() throws(WorkerError) -> ControlMessage? {
    do throws(TransportError) {
      return try control.receive(deadline: .after(.seconds(3600)))
    } catch {
      throw .startup("\(error)")
    }
  }

  private func send(_ kind: MessageKind, _ message: some WireMessage) throws(WorkerError) {
    do throws(TransportError) {
      try control.send(
        ControlMessage(kind: kind, epoch: connection.epoch, payload: message.encoded()),
        deadline: .after(.seconds(10)))
    } catch {
      throw .startup("\(error)")
    }
  }
}
