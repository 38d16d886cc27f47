internal import Compute
internal import Coordination
internal import Launching
internal import ModelConfigs
internal import Layers
internal import Models
internal import Parsing
package import Scheduling
internal import Tensors
package import Topology
internal import Transport
package import Wire
internal import WorkerRuntime

/// What a running mesh tells the caller.
package enum EngineEvent: Sendable {
  case loading(bytesDone: UInt64, bytesTotal: UInt64)
  case ready
  case token(EmittedToken)
  case payload(SequencePayload)
  case finished(FinishedSequence)
  case refused(RequestID, String)
}

/// A mesh of worker processes on this host, from launch to teardown, driven by one thread.
///
/// The shell around `CoordinatorCore`: it turns messages, process ends and signals into events, and
/// directives into messages. Nothing here decides anything.
package final class MeshEngine {
  package let sizes: RunSizes
  private let configuration: EngineConfiguration
  private let plan: ShardPlan
  private let limits: RunLimits
  private let directory: Launching.RunDirectory
  private let launcher: LocalLauncher
  private let context: ZMQContext
  private let server: ControlServer
  private(set) var core: CoordinatorCore
  /// Results of a step that the caller planned, by attention group, while one is running.
  var directResults: [Int: StepResult]?
  var directStep = StepNumber(rawValue: 0)
  private var events: [CoordinatorEvent] = []
  private var directives: [CoordinatorDirective] = []
  private var names: [WorkerName?]
  private var endpoints: [String?]
  private var awaitingSettings: Set<Int> = []
  private var traces: [StepTrace] = []
  /// Rows per expert of each MoE layer, layer-major, over all steps; empty unless the run counts them.
  package private(set) var expertLoad: [UInt64] = []
  private var isReady = false
  private var isStopped = false
  /// What `run(untilReadable:)` waits for, and whether it has come.
  private var awaitedInput: Int32?
  private var isInputReady = false

  /// Starts the workers; call `waitUntilReady` next.
  ///
  /// - Throws: `EngineError` of kind configuration when model, mesh and sizes do not fit, before any process starts.
  package init(_ configuration: EngineConfiguration) throws(EngineError) {
    self.configuration = configuration
    do throws(MeshError) {
      plan = try ShardPlan(model: ModelDimensions(configuration.config), mesh: Mesh(configuration.mesh))
    } catch {
      throw EngineError(.configuration, "\(error)")
    }
    sizes = try RunSizes(configuration, plan: plan, cpus: HostFacts.allowedCPUs.count)
    limits = RunLimits(
      maxBatchedTokens: configuration.maxBatchedTokens, maxSequences: configuration.maxSequences,
      maxModelLength: sizes.maxModelLength, pageSlots: configuration.pageSlots, numPages: sizes.pagesPerGroup,
      kvFormat: configuration.kvFormat, scoresRows: configuration.scoresRows)
    let world = configuration.mesh.worldSize
    names = Array(repeating: nil, count: world)
    endpoints = Array(repeating: nil, count: world)
    let settings = try Self.coreSettings(configuration, sizes: sizes)
    core = CoordinatorCore(settings: settings, now: Self.now)
    do {
      if configuration.handlesSignals { try TerminationSignals.install() }
      directory = try Launching.RunDirectory.create(base: configuration.runDirectoryBase)
      context = try ZMQContext()
      let control =
        configuration.transport == .tcp ? "tcp://127.0.0.1:*" : "ipc://\(directory.file("control"))"
      server = try ControlServer(
        context, endpoint: try Endpoint(control), checksum: { HardwareChecksum.crc32c($0, $1) })
      launcher = try LocalLauncher()
    } catch {
      throw EngineError(.failure, "\(error)")
    }
    try launch()
  }

  deinit { stop() }

  private static var now: Timestamp { Timestamp(nanoseconds: Int64(clamping: Deadline.now)) }

  private static func coreSettings(
    _ configuration: EngineConfiguration, sizes: RunSizes
  ) throws(EngineError) -> CoordinatorSettings {
    var limits = SchedulerLimits(
      pagesPerGroup: sizes.pagesPerGroup, maxModelLength: sizes.maxModelLength,
      vocabularySize: configuration.config.vocabSize)
    limits.pageSize = configuration.pageSlots
    limits.maxSequences = configuration.maxSequences
    limits.maxBatchedTokens = configuration.maxBatchedTokens
    if configuration.prefillChunk > 0 { limits.prefillChunk = configuration.prefillChunk }
    limits.cachesPrefixes = configuration.cachesPrefixes
    limits.endOfSequenceTokens = configuration.endOfSequenceTokens
    limits.seed = configuration.seed
    if let problem = limits.problems().first { throw EngineError(.configuration, problem) }
    var settings = CoordinatorSettings(
      mesh: Mesh(configuration.mesh), limits: limits, buildID: configuration.buildID)
    settings.joinDeadline = configuration.startupTimeout
    settings.loadDeadline = configuration.startupTimeout
    settings.stepDeadline = max(.seconds(600), configuration.collectiveTimeout * 4)
    return settings
  }

  /// A worker that crashes ends at once; collecting a backtrace would keep its peers waiting for seconds.
  private static let workerEnvironment = ["SWIFT_BACKTRACE": "enable=no"]

  private func launch() throws(EngineError) {
    do {
      let executable =
        configuration.workerExecutable.isEmpty
        ? try ExecutableLocation.path() : configuration.workerExecutable
      let world = configuration.mesh.worldSize
      launcher.start(
        LaunchPlan(worldSize: world, executable: executable, environment: Self.workerEnvironment) { rank in
          let data =
            switch configuration.transport {
            case .ipc: "ipc://\(directory.file("r\(rank)"))"
            case .tcp: "tcp://127.0.0.1:*"
            case .shm: "shm://*"
            }
          return [
            "worker", "--coordinator", server.endpoint.description, "--rank", "\(rank)", "--world-size",
            "\(world)",
            "--data-endpoint", data, "--epoch", "\(core.epoch.rawValue)", "--directory", directory.path,
          ]
        })
    } catch {
      throw EngineError(.failure, "\(error)")
    }
  }

  /// Loads the model on all ranks.
  package func waitUntilReady(_ observe: (EngineEvent) -> Void = { _ in }) throws(EngineError) {
    while !isReady { try turn(observe) }
  }

  /// Accepts a request; its events come from `run`.
  package func submit(_ request: GenerationRequest) { events.append(.submit(request)) }

  /// Ends one completion of a request: its stop string was seen.
  package func stop(_ request: RequestID, completion: Int) {
    events.append(.stop(request, completion: completion))
  }

  /// Gives up a request.
  package func cancel(_ request: RequestID) { events.append(.cancel(request)) }

  /// Runs until every accepted request has ended.
  package func run(_ observe: (EngineEvent) -> Void) throws(EngineError) {
    while !events.isEmpty || core.numUnfinished > 0 { try turn(observe) }
  }

  /// Keeps the mesh alive until `descriptor` can be read, such as a terminal that somebody may type in.
  package func run(untilReadable descriptor: Int32) throws(EngineError) {
    awaitedInput = descriptor
    defer { awaitedInput = nil }
    isInputReady = false
    while !isInputReady { try turn { _ in } }
  }

  /// Rows of the embedding and the head.
  package var vocabularySize: Int { configuration.config.vocabSize }

  /// Weight bytes that one decode step of `batch` sequences reads, over all ranks of one replica.
  package func weightBytesPerStep(batch: Int) -> Double {
    plan.mesh.replicaGroup(of: 0).ranks.reduce(0) { $0 + program(of: $1).weightBytesPerStep(batch: batch) }
  }

  /// Bytes of all ranks' packed shards.
  package var weightBytes: Int { plan.mesh.ranks.reduce(0) { $0 + program(of: $1).weights.byteCount } }

  /// How weights are stored in memory.
  package var weightFormat: String { packedDType == .bf16 ? "bf16" : "f32" }

  private func program(of rank: Int) -> RankProgram {
    DecoderBuilder.build(
      names: TensorNames(configuration.config), plan: plan, rank: rank, limits: limits,
      storedDType: packedDType)
  }

  private var packedDType: DType {
    switch configuration.weightDType {
    case .stored: WeightFormat(keeping: configuration.config.storedDType ?? .bf16).dtype
    case .bf16: .bf16
    case .f32: .f32
    }
  }

  /// Who holds what.
  package var shards: ShardPlan { plan }

  /// What every rank moved in every step so far; waits for ranks that are behind with theirs. Empty unless
  /// the run records exchanges.
  package func takeTraces() throws(EngineError) -> [StepTrace] {
    guard configuration.observations.contains(.exchanges) else { return [] }
    let wanted = completedSteps * plan.mesh.replicaGroup(of: 0).size
    while traces.count < wanted { try turn { _ in } }
    return traces
  }

  private func count(_ load: [UInt32]) {
    guard !load.isEmpty else { return }
    if expertLoad.isEmpty { expertLoad = Array(repeating: 0, count: load.count) }
    for (index, rows) in load.enumerated() where index < expertLoad.count {
      expertLoad[index] += UInt64(rows)
    }
  }

  /// Steps completed so far.
  package var completedSteps: Int { core.statistics.completedSteps }

  /// Ends all workers and removes the run directory; safe to call again.
  package func stop() {
    guard !isStopped else { return }
    isStopped = true
    let farewell = Shutdown(epoch: core.epoch, text: "the run is over")
    for case .some(let name) in names { try? send(.shutdown, to: name) { farewell.write(to: &$0) } }
    launcher.stop()
    directory.remove()
  }

  /// One round: wait for something to happen, let the core decide, carry it out.
  func turn(_ observe: (EngineEvent) -> Void) throws(EngineError) {
    if events.isEmpty { try collect() }
    directives.removeAll(keepingCapacity: true)
    let batch = events
    events.removeAll(keepingCapacity: true)
    core.handle(batch, now: Self.now, into: &directives)
    for directive in directives { try interpret(directive, observe) }
  }

  private func collect() throws(EngineError) {
    let now = Self.now
    let wait = core.nextDeadline.map { min($0 - now, .seconds(3600)) } ?? .seconds(3600)
    do {
      let ready = try server.wait(
        descriptors: [launcher.exitDescriptor]
          + (configuration.handlesSignals ? [TerminationSignals.descriptor] : [])
          + (awaitedInput.map { [$0] } ?? []),
        until: .after(max(wait, .zero)))
      isInputReady = awaitedInput.map { ready.descriptors.contains($0) } ?? false
      if configuration.handlesSignals, let signal = TerminationSignals.received {
        throw EngineError(.interrupted(signal: signal), "interrupted by signal \(signal)")
      }
      while let event = try server.receive() { try receive(event) }
      if ready.descriptors.contains(launcher.exitDescriptor) { noteExits() }
      if events.isEmpty { events.append(.tick) }
    } catch {
      throw (error as? EngineError) ?? EngineError(.failure, "\(error)")
    }
  }

  private func noteExits() {
    for exit in launcher.takeExits() {
      let lines =
        exit.lastLines.isEmpty ? "" : "; its last words: " + exit.lastLines.suffix(3).joined(separator: " | ")
      events.append(.rankLost(rank: exit.rank, text: "\(exit.ending)\(lines)"))
    }
  }

  private func receive(_ event: ControlServer.Event) throws {
    switch event {
    case .malformed(let error, let name):
      guard let name else { return }
      events.append(.rankLost(rank: Int(name.rank), text: "sent an unreadable message: \(error)"))
    case .message(let message, let name):
      var reader = ByteReader(message.payload.span)
      let rank = Int(name.rank)
      guard names.indices.contains(rank) else { return }
      switch message.kind {
      case .hello:
        names[rank] = name
        events.append(.hello(try Hello(from: &reader)))
      case .addressBook:
        endpoints[rank] = try reader.lengthPrefixedString(atMost: 4096, "data endpoint")
        try sendSettingsWhenComplete()
      case .loadProgress: events.append(.loadProgress(try LoadProgress(from: &reader)))
      case .ready: events.append(.ready(try Ready(from: &reader)))
      case .stepResult:
        let result = try StepResult(from: &reader)
        count(result.expertLoad)
        if directResults == nil {
          events.append(.stepResult(result, rank: rank))
        } else {
          directResults?[Int(result.group)] = result
        }
      case .stepTrace: traces.append(try StepTrace(from: &reader))
      case .abort: events.append(.abort(try Abort(from: &reader), rank: rank))
      case .pulse: events.append(.pulse(try Pulse(from: &reader)))
      default: break
      }
    }
  }

  private func interpret(_ directive: CoordinatorDirective, _ observe: (EngineEvent) -> Void)
    throws(EngineError)
  {
    switch directive {
    case .configure(let rank):
      awaitingSettings.insert(rank)
      try sendSettingsWhenComplete()
    case .refuse(let rank, let text):
      guard let name = names[rank] else { return }
      try send(.refusal, to: name) { $0.raw(Array(text.utf8)) }
    case .loading(let done, let total): observe(.loading(bytesDone: done, bytesTotal: total))
    case .introduce:
      isReady = true
      observe(.ready)
    case .sendPlan(let plan, let replica):
      for rank in core.settings.mesh.ranks where core.settings.placements[rank].replica == replica {
        guard let name = names[rank] else { continue }
        try send(.stepPlan, to: name, step: plan.step) { plan.write(to: &$0) }
      }
    case .token(let token): observe(.token(token))
    case .payload(let payload): observe(.payload(payload))
    case .finished(let end): observe(.finished(end))
    case .refused(let id, let text): observe(.refused(id, text))
    case .failed(let failure): throw EngineError(.failure, failure.description)
    case .abortStep, .drained, .shutdown: break
    }
  }

  /// Workers are configured together, because each needs everybody's endpoint.
  private func sendSettingsWhenComplete() throws(EngineError) {
    let world = configuration.mesh.worldSize
    let known = endpoints.compactMap { $0 }
    guard awaitingSettings.count == world, known.count == world else { return }
    for rank in awaitingSettings.sorted() {
      guard let name = names[rank] else { continue }
      var settings = WorkerSettings(
        modelDirectory: configuration.modelDirectory, configJSON: JSONWriter.string(configuration.configJSON),
        dummySeed: configuration.dummySeed, weightDType: configuration.weightDType, mesh: configuration.mesh,
        rank: rank, limits: limits, threads: sizes.threadsPerWorker, spins: sizes.hasCPUPerThread,
        firstCPU: sizes.hasCPUPerThread ? rank * sizes.threadsPerWorker : -1,
        instructionSet: configuration.instructionSet, endpoints: known,
        collectiveMilliseconds: Int(configuration.collectiveTimeout / .milliseconds(1)),
        pulseMilliseconds: 500,
        expertDispatch: configuration.expertDispatch)
      settings.observations = configuration.observations
      let message = Configure(epoch: core.epoch, settings: settings.encoded())
      try send(.configure, to: name) { message.write(to: &$0) }
    }
    awaitingSettings.removeAll()
  }

  /// Sends a message that the core knows nothing of.
  func sendDirect(
    _ kind: MessageKind, to rank: Int, step: StepNumber, _ message: some WireMessage
  ) throws(EngineError) {
    guard let name = names[rank] else { throw EngineError(.failure, "rank \(rank) has left the mesh") }
    try send(kind, to: name, step: step) { message.write(to: &$0) }
  }

  private func send(
    _ kind: MessageKind, to name: WorkerName, step: StepNumber = StepNumber(rawValue: 0),
    _ write: (inout ByteWriter) -> Void
  ) throws(EngineError) {
    var writer = ByteWriter()
    write(&writer)
    do throws(TransportError) {
      try server.send(
        ControlMessage(kind: kind, epoch: core.epoch, step: step, payload: writer.bytes), to: name)
    } catch {
      events.append(.rankLost(rank: Int(name.rank), text: "cannot be reached: \(error)"))
    }
  }
}
