internal import Collectives
internal import Compute
internal import Layers
internal import Models
internal import Parsing
internal import Transport
internal import Wire

/// One worker process: joins, loads its shard, then runs step plans until it is told to stop.
///
/// A step that fails is reported and given up, and the worker waits for a new epoch: it keeps its weights, keys and
/// values. Only what makes it useless ends it: a shard that cannot be loaded, a coordinator that cannot be reached.
///
/// The calling thread owns every socket and is member 0 of the compute team.
package final class Worker {
  private let connection: WorkerConnection
  private let control: ControlClient
  var link: any PeerLink
  private let context: ZMQContext
  private let progress = StepProgress()
  private var pulses: PulseSender?
  /// Shards that were loaded before it was known which rank this is.
  private var preloaded: [Int: ModelLoading.Loaded]
  private var epoch: Epoch
  // What comes in, the plan that is carried out and what goes out, each in memory that is used again and again: between
  // a plan and its result nothing is allocated.
  private var inbound = ControlMessage(kind: .pulse, epoch: Epoch(rawValue: 0))
  private var plan = StepPlan(epoch: Epoch(rawValue: 0), step: StepNumber(rawValue: 0), groups: [])
  private var writer = ByteWriter(reserving: 4096)

  /// Connects and says hello.
  ///
  /// - Parameter coordinatorLost: runs on the pulse thread when the coordinator has been silent for too long, with what
  ///   is known of it as a sentence; it is expected to end the process.
  package init(
    _ connection: WorkerConnection, preloaded: [Int: ModelLoading.Loaded] = [:],
    coordinatorLost: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(WorkerError) {
    self.connection = connection
    self.preloaded = preloaded
    epoch = connection.epoch
    do {
      context = try ZMQContext(security: connection.security)
      let name = WorkerName(
        rank: UInt32(connection.rank), epoch: connection.epoch, incarnation: connection.incarnation)
      link = try Links.make(
        context, rank: connection.rank, worldSize: connection.worldSize,
        endpoint: connection.listeningEndpoint(), epoch: connection.epoch)
      control = try ControlClient(
        context, endpoint: try Endpoint(connection.coordinator), name: name,
        checksum: { HardwareChecksum.crc32c($0, $1) })
    } catch {
      throw .startup("\(error)")
    }
    link.interruptSource = control
    progress.begin(epoch)
    guard !connection.pulseEndpoint.isEmpty else { return }
    pulses = try PulseSender(
      connection, context: context, progress: progress, coordinatorLost: coordinatorLost)
  }

  deinit { pulses?.stop() }

  /// Works until shutdown.
  ///
  /// - Throws: what ended it early; the coordinator has been told as far as it could be reached.
  package func run() throws(WorkerError) {
    do throws(WorkerError) {
      try greet()
      guard let settings = try awaitSettings() else { return }
      let runner = try prepare(settings)
      try serve(runner, settings)
    } catch {
      try? report(error)
      throw error
    }
  }

  private func greet() throws(WorkerError) {
    let hello = Hello(connection)
    try send(.hello) { hello.write(to: &$0) }
    try send(.addressBook) { $0.lengthPrefixedString(self.link.endpoint.description) }
  }

  private func awaitSettings() throws(WorkerError) -> WorkerSettings? {
    while true {
      let message = try receive(seconds: 120, waitingFor: "its configuration")
      switch message.kind {
      case .configure:
        do throws(ParseError) {
          var reader = ByteReader(message.payload.span)
          return try WorkerSettings(decoding: Configure(from: &reader).settings)
        } catch {
          throw .startup("the configuration from the coordinator cannot be read: \(error)")
        }
      case .shutdown, .abort: return nil
      case .refusal:
        throw .startup(
          "the coordinator refused this worker: \(String(decoding: message.payload, as: UTF8.self))")
      default: continue
      }
    }
  }

  /// Loads the shard, connects to the peers, starts the team, says ready.
  private func prepare(_ settings: WorkerSettings) throws(WorkerError) -> StepRunner {
    let instructionSet = try settings.chosenInstructionSet()
    let kernels = KernelTable(instructionSet)
    let cpus =
      settings.seat < 0
      ? [] : HostLayout.here.cpus(ofSeat: settings.seat, of: settings.seats, threads: settings.threads)
    // Before anything is loaded: memory comes from the NUMA node of the thread that touches it first.
    if !cpus.isEmpty { try? ThreadPlacement.pinCallingThread(to: cpus) }
    progress.enter(.loading)
    let loaded = try shard(settings, kernels)
    do {
      let team = try ThreadTeam(
        count: settings.threads, rank: settings.rank, cpus: cpus, spinLimit: settings.spins ? nil : 0)
      try takeConditions(settings.linkConditions)
      link.spinTime = settings.spins ? Links.spinTime : .zero
      control.spinTime = link.spinTime
      let runner = StepRunner(
        program: loaded.program, memory: loaded.memory, executor: StepExecutor(team: team, kernels: kernels),
        communicator: Communicator(link: link),
        collectiveDeadline: .milliseconds(settings.collectiveMilliseconds),
        dispatch: settings.expertDispatch, observations: settings.observations, progress: progress)
      progress.enter(.idle)
      let ready = Ready(
        rank: UInt32(settings.rank), epoch: epoch,
        weightBytes: UInt64(loaded.program.weights.byteCount),
        numPages: UInt32(settings.limits.numPages))
      try send(.ready) { ready.write(to: &$0) }
      return runner
    } catch {
      throw (error as? WorkerError) ?? .startup("\(error)")
    }
  }

  /// The rank's shard: loaded before by a spare, else now.
  private func shard(
    _ settings: WorkerSettings, _ kernels: KernelTable
  ) throws(WorkerError) -> ModelLoading.Loaded {
    if let ready = preloaded.removeValue(forKey: settings.rank) {
      preloaded = [:]
      return ready
    }
    var lastReport = Deadline.immediate
    return try ModelLoading.load(settings, kernels: kernels) { done, total in
      self.progress.advance()
      if lastReport.hasPassed || done == total {
        lastReport = .after(milliseconds: 50)
        let progress = LoadProgress(
          rank: UInt32(self.connection.rank), bytesDone: UInt64(done), bytesTotal: UInt64(total))
        try? self.send(.loadProgress) { progress.write(to: &$0) }
      }
      return true
    }
  }

  private func serve(_ runner: StepRunner, _ settings: WorkerSettings) throws(WorkerError) {
    while true {
      let message = try receive(seconds: 3600, waitingFor: "a step plan")
      switch message.kind {
      case .stepPlan:
        if let timeline = runner.timeline { timeline.received = Deadline.now }
        do throws(ParseError) {
          var reader = ByteReader(message.payload.span)
          try plan.read(from: &reader)
          try reader.expectEnd()
        } catch {
          throw .badPlan("\(message.kind) cannot be read: \(error)")
        }
        try run(plan, on: runner)
      case .epochChange: try takeUp(try read(message, EpochChange.self), runner)
      case .addressBook: try meet(try read(message, AddressBook.self))
      case .inquiry: try answer(try read(message, Inquiry.self), runner, settings)
      case .linkConditions: try changeConditions(String(decoding: message.payload, as: UTF8.self))
      case .linkReport:
        let report = linkReport(runner, tellsAddresses: settings.tellsAddresses)
        try send(.linkReport) { report.write(to: &$0) }
      case .headPlan: try run(try read(message, HeadPlan.self), on: runner)
      case .shutdown, .abort: return
      default: continue
      }
    }
  }

  private func read<Message: WireMessage>(
    _ message: ControlMessage, _ type: Message.Type
  ) throws(WorkerError) -> Message {
    do throws(ParseError) {
      return try Message(decoding: message.payload)
    } catch {
      throw .badPlan("\(message.kind) cannot be read: \(error)")
    }
  }

  /// One step, and its result to the coordinator. One that fails is given up; what follows is the coordinator's to say.
  private func run(_ plan: StepPlan, on runner: StepRunner) throws(WorkerError) {
    guard plan.epoch == epoch else { return }
    do throws(WorkerError) {
      let result = try runner.run(plan)
      // The trace goes first: when the last result is in, so are the traces of the ranks that report.
      if let trace = runner.trace(of: plan) {
        try send(.stepTrace, step: plan.step) { trace.write(to: &$0) }
      }
      defer { runner.timeline?.close() }
      guard let result else { return }
      try send(.stepResult, step: plan.step) { result.write(to: &$0) }
    } catch {
      // Whatever interrupted it lies in the inbox.
      if case .collective(let failure) = error, failure.code == .interrupted { return }
      try report(error)
    }
  }

  private func answer(
    _ inquiry: Inquiry, _ runner: StepRunner, _ settings: WorkerSettings
  ) throws(WorkerError) {
    let answer: InquiryAnswer
    switch inquiry {
    case .clock(let number): answer = .clock(number, Deadline.now)
    case .recordTimes(let steps): return runner.recordTimes(steps: Int(steps))
    case .readBandwidth:
      do {
        answer = .readBandwidth(
          try ReadBandwidth.measure(threads: settings.threads, bytesPerThread: 64 << 20))
      } catch {
        throw .startup("the memory cannot be measured: \(error)")
      }
    case .times: answer = runner.timeline?.answer ?? .times([], dropped: 0)
    }
    try send(.answer) { answer.write(to: &$0) }
  }

  /// The head alone.
  private func run(_ plan: HeadPlan, on runner: StepRunner) throws(WorkerError) {
    do throws(WorkerError) {
      guard let result = try runner.run(plan) else { return }
      try send(.stepResult, step: plan.step) { result.write(to: &$0) }
    } catch {
      try report(error)
    }
  }

  private func takeUp(_ change: EpochChange, _ runner: StepRunner) throws(WorkerError) {
    guard change.epoch > epoch else { return }
    epoch = change.epoch
    progress.begin(epoch)
    runner.begin(epoch: epoch)
    let answer = EpochAcknowledged(rank: UInt32(connection.rank), epoch: epoch)
    try send(.epochAcknowledged) { answer.write(to: &$0) }
  }

  /// Connects to the peers of this epoch; connections to ranks that were not replaced stay.
  private func meet(_ book: AddressBook) throws(WorkerError) {
    guard book.epoch == epoch, book.endpoints.count == connection.worldSize else { return }
    do throws(TransportError) {
      for (peer, endpoint) in book.endpoints.enumerated() where peer != connection.rank && !endpoint.isEmpty {
        try link.connect(to: peer, at: try Endpoint(endpoint))
      }
    } catch {
      throw .startup("\(error)")
    }
  }

  private func receive(seconds: Int, waitingFor what: String) throws(WorkerError) -> ControlMessage {
    let came: Bool
    do throws(TransportError) {
      came = try control.receive(into: &inbound, deadline: .after(.seconds(seconds)))
    } catch {
      throw .startup("\(error)")
    }
    guard came else {
      throw .startup("rank \(connection.rank) waited \(seconds) s for \(what) in vain")
    }
    return inbound
  }

  private func send(
    _ kind: MessageKind, step: StepNumber = StepNumber(rawValue: 0), _ write: (inout ByteWriter) -> Void
  ) throws(WorkerError) {
    writer.removeAll()
    write(&writer)
    do throws(TransportError) {
      try control.send(
        ControlMessage(kind: kind, epoch: epoch, step: step, payload: writer.bytes),
        deadline: .after(.seconds(10)))
    } catch {
      throw .startup("\(error)")
    }
  }

  /// Tells the coordinator what went wrong, and whose fault it seems to be.
  private func report(_ error: WorkerError) throws(WorkerError) {
    let abort = Abort(
      epoch: epoch, rank: UInt32(error.peer ?? connection.rank), code: error.abortCode, text: "\(error)",
      operation: error.operation)
    try send(.abort) { abort.write(to: &$0) }
  }
}
