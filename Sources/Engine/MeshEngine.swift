internal import Compute
internal import Coordination
package import Journaling
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

/// A mesh of worker processes on this host, from launch to teardown, driven by one thread.
///
/// The shell around `CoordinatorCore`: it turns messages, process ends and signals into events, and
/// directives into messages. Nothing here decides anything.
package final class MeshEngine {
  package internal(set) var sizes: RunSizes
  var configuration: EngineConfiguration
  var plan: ShardPlan
  var limits: RunLimits
  private let directory: Launching.RunDirectory
  let context: ZMQContext
  let server: ControlServer
  private let pulses: PulseMonitor
  var processes: RankProcesses
  var core: CoordinatorCore
  /// Results of a step that the caller planned, by attention group, while one is running.
  var directResults: [Int: StepResult]?
  var directStep = StepNumber(rawValue: 0)
  var events: [CoordinatorEvent] = []
  private var directives: [CoordinatorDirective] = []
  /// The processes that play the ranks, and those that want to.
  var names: [WorkerName?]
  /// Where those that want to listen for their peers. By name: a stranger must not stand in for a rank.
  var applicants: [WorkerName: String] = [:]
  var endpoints: [String]
  /// CPUs that each rank's process may use.
  var workerCPUs: [Int: Int] = [:]
  /// What the mesh was before it shrank, until the run goes on.
  var formerMesh: MeshShape?
  var isReady = false
  var traces: [StepTrace] = []
  var timeline = TimelineRecording()
  /// Rows per expert of each MoE layer, layer-major, over all steps; empty unless the run counts them.
  package private(set) var expertLoad: [UInt64] = []
  /// What ranks that start get as the conditions of their links; empty for none.
  var linkConditions: String
  var linkAnswers: [UInt32: LinkReport] = [:]
  /// When `EngineEvent.alarm` is to come, once.
  package var alarm: Timestamp?
  /// Until when what runs may go on after SIGTERM.
  var graceEnds: Timestamp?
  private var isStopped = false
  let started = MeshEngine.now
  /// What `run(untilReadable:)` waits for, and whether it has come.
  private var awaitedInput: Int32?
  private var isInputReady = false
  /// Of the first replica; nil, and nothing is kept, unless a measurement asks for it.
  var overheads: StepOverheads?
  /// Where accepted requests and their tokens are written down, for a coordinator that comes after this one.
  package var journal: JournalFile?

  /// Starts the workers; call `waitUntilReady` next.
  ///
  /// - Throws: `EngineError` of kind configuration when model, mesh and sizes do not fit, before any process
  ///   starts.
  package init(_ configuration: EngineConfiguration) throws(EngineError) {
    self.configuration = configuration
    plan = try Self.shardPlan(configuration)
    sizes = try RunSizes(configuration, plan: plan, cpus: HostFacts.allowedCPUs.count)
    limits = RunLimits(configuration, sizes)
    linkConditions = configuration.linkConditions?.description ?? ""
    let world = configuration.mesh.worldSize
    let seats = world + configuration.numSpares
    names = Array(repeating: nil, count: seats)
    endpoints = Array(repeating: "", count: seats)
    let settings = try Self.coreSettings(configuration, sizes: sizes)
    core = CoordinatorCore(settings: settings, now: Self.now)
    do {
      if configuration.handlesSignals { try TerminationSignals.install() }
      let directory = try Launching.RunDirectory.create(base: configuration.runDirectoryBase)
      let meeting = try MeetingPoint(configuration)
      context = try meeting.makeContext()
      let server = try ControlServer(
        context, endpoint: meeting.control(directory), checksum: { HardwareChecksum.crc32c($0, $1) })
      let pulses = try PulseMonitor(
        context, endpoint: meeting.pulses(directory), period: configuration.pulsePeriod)
      let executable =
        configuration.workerExecutable.isEmpty
        ? try ExecutableLocation.path() : configuration.workerExecutable
      processes = try RankProcesses(
        RankProcesses.Command(
          executable: executable, directory: directory.path, worldSize: world,
          numSpares: configuration.numSpares,
          transport: configuration.transport, fleet: configuration.fleet, keys: meeting.keys,
          controlEndpoint: server.endpoint.description, pulseEndpoint: pulses.endpoint.description,
          pulseMilliseconds: Int(configuration.pulsePeriod / .milliseconds(1))))
      (self.directory, self.server, self.pulses) = (directory, server, pulses)
    } catch {
      throw EngineError(.failure, "\(error)")
    }
    for rank in 0..<seats { processes.start(rank, incarnation: 0, epoch: core.epoch) }
  }

  deinit { stop() }

  static var now: Timestamp { timestamp(Deadline.now) }

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
    limits.maxWaiting = configuration.maxWaiting
    if let problem = limits.problems().first { throw EngineError(.configuration, problem) }
    var settings = CoordinatorSettings(
      mesh: Mesh(configuration.mesh), limits: limits, buildID: configuration.buildID)
    // A process on this host says hello within milliseconds; the rest is patience with a busy machine.
    settings.joinDeadline = min(
      configuration.startupTimeout, .seconds(10 + configuration.mesh.worldSize))
    // Those that somebody else starts come when he does.
    settings.adoptsWorkers = configuration.fleet != nil && configuration.fleet?.launcher == nil
    if settings.adoptsWorkers { settings.joinDeadline = configuration.startupTimeout }
    settings.loadDeadline = configuration.startupTimeout
    settings.stepDeadline = max(.seconds(600), configuration.collectiveTimeout * 4)
    settings.acknowledgeDeadline = max(.seconds(10), configuration.collectiveTimeout)
    settings.stallDeadline = max(.seconds(10), configuration.collectiveTimeout)
    settings.pulsePeriod = configuration.pulsePeriod
    settings.onRankLoss = configuration.onRankLoss
    settings.restarts = configuration.restarts
    settings.numSpares = configuration.numSpares
    settings.promoteDeadline = max(.seconds(3), configuration.pulsePeriod * 4)
    if configuration.onRankLoss == .shrink { settings.smallerMeshes = SmallerMeshes.choices(configuration) }
    settings.firstEpoch = configuration.firstEpoch
    return settings
  }

  /// Loads the model on all ranks.
  package func waitUntilReady(_ observe: (EngineEvent) -> Void = { _ in }) throws(EngineError) {
    while !isReady { try turn(observe) }
  }

  /// Accepts a request; its events come from `run`.
  package func submit(_ request: GenerationRequest) {
    var request = request
    if let timeout = configuration.requestTimeout {
      request.deadline = request.deadline ?? Self.now + timeout
    }
    events.append(.submit(request))
  }

  /// Most sequences that may be under way at once without any being refused.
  package var mostOpenSequences: Int { configuration.maxWaiting }

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

  /// Most ranks on one host.
  package var ranksPerHost: Int { configuration.fleet?.mostRanksPerHost ?? plan.mesh.worldSize }

  /// CPUs of all hosts that ranks may use.
  package var cores: Int {
    guard configuration.fleet != nil else { return HostFacts.allowedCPUs.count }
    // Ranks of one host report the same CPUs.
    let hosts = Dictionary(grouping: workerCPUs.keys) { configuration.fleet?.placement.host(of: $0).name }
    return hosts.values.reduce(0) { $0 + ($1.compactMap { workerCPUs[$0] }.max() ?? 1) }
  }

  /// How weights are stored in memory.
  package var weightFormat: String {
    configuration.quantization.matrices(WeightFormat(keeping: packedDType)).name
  }

  func program(of rank: Int) -> RankProgram {
    DecoderBuilder.build(
      names: TensorNames(configuration.config), plan: plan, rank: rank, limits: limits,
      storedDType: packedDType, quantization: configuration.quantization)
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

  /// Begins to note what the first replica's steps take beside the work of their ranks.
  package func measureOverheads() { overheads = StepOverheads() }

  /// Nanoseconds of every step since `measureOverheads`, which ends with this.
  package func takeOverheads() -> [UInt64] {
    overheads?.finish()
    defer { overheads = nil }
    return overheads?.samples ?? []
  }

  func count(_ load: [UInt32]) {
    guard !load.isEmpty else { return }
    if expertLoad.isEmpty { expertLoad = Array(repeating: 0, count: load.count) }
    for (index, rows) in load.enumerated() where index < expertLoad.count {
      expertLoad[index] += UInt64(rows)
    }
  }

  /// Sends a signal to the process that plays a rank now; for fault drills, which break real processes.
  package func send(signal: Int32, toRank rank: Int) { processes.send(signal, to: rank) }

  /// The same for every rank of the host that `rank` is on.
  package func send(signal: Int32, toHostOf rank: Int) {
    for neighbour in processes.neighbours(of: rank) { processes.send(signal, to: neighbour) }
  }

  /// Stops the process of a rank and lets it go on after `duration`, if it is still there then.
  package func pause(rank: Int, for duration: Duration) { processes.pause(rank, for: duration) }

  /// Process ids of the ranks and spares that run.
  package var workerProcessIDs: [Int32] { names.indices.compactMap { processes.processID(of: $0) } }

  /// What is inconsistent in the books, and pages that nobody should hold any more when nothing runs; for drills.
  package func problems() -> [String] {
    var found: [String] = []
    for replica in 0..<core.settings.numReplicas {
      let scheduler = core.scheduler(replica: replica)
      found += scheduler.problems()
      guard core.numUnfinished == 0 else { continue }
      for group in 0..<core.settings.limits.numGroups {
        let free = scheduler.numAvailablePages(group: group)
        let all = core.settings.limits.pagesPerGroup
        if free != all {
          found.append("replica \(replica), group \(group): \(all - free) of \(all) pages leaked")
        }
      }
    }
    return found
  }

  /// Steps completed so far.
  package var completedSteps: Int { core.statistics.completedSteps }

  /// Ends all workers and removes the run directory; safe to call again.
  package func stop() {
    guard !isStopped else { return }
    isStopped = true
    let farewell = Shutdown(epoch: core.epoch, text: "the run is over")
    for case .some(let name) in names { send(.shutdown, to: name) { farewell.write(to: &$0) } }
    processes.stop()
    pulses.close()
    directory.remove()
  }

  /// One round: gather what happened, waiting for it if need be, let the core decide, carry it out.
  func turn(_ observe: (EngineEvent) -> Void) throws(EngineError) {
    try collect(observe)
    directives.removeAll(keepingCapacity: true)
    var batch = events
    events.removeAll(keepingCapacity: true)
    admit(&batch, observe)
    core.handle(batch, now: Self.now, into: &directives)
    record(directives)
    // The next plan goes out before anybody looks at the tokens of the last step: ranks wait for it.
    for directive in directives where !directive.isOutcome { try interpret(directive, observe) }
    for directive in directives where directive.isOutcome { try interpret(directive, observe) }
  }

  /// Everything that is there is taken, so that the core never takes a message under way for silence.
  private func collect(_ observe: (EngineEvent) -> Void) throws(EngineError) {
    let now = Self.now
    let next = [core.nextDeadline, alarm, graceEnds].compactMap { $0 }.min()
    let wait = events.isEmpty ? next.map { min($0 - now, .seconds(3600)) } ?? .seconds(3600) : .zero
    do {
      let ready = try server.wait(
        descriptors: [processes.exitDescriptor]
          + (configuration.handlesSignals && graceEnds == nil ? [TerminationSignals.descriptor] : [])
          + (awaitedInput.map { [$0] } ?? []),
        until: .after(max(wait, .zero)))
      isInputReady = awaitedInput.map { ready.descriptors.contains($0) } ?? false
      try heedSignals()
      takePulses()
      while let event = try server.receive() { try receive(event, observe) }
      if ready.descriptors.contains(processes.exitDescriptor) { events += processes.takeExits() }
      if events.isEmpty { events.append(.tick) }
      if let moment = alarm, moment <= Self.now {
        alarm = nil
        observe(.alarm)
      }
    } catch {
      throw (error as? EngineError) ?? EngineError(.failure, "\(error)")
    }
  }

  private func takePulses() {
    let (heard, until) = pulses.take()
    for entry in heard {
      events.append(.pulse(entry.pulse, incarnation: entry.incarnation, at: Self.timestamp(entry.at)))
    }
    events.append(.pulsesTaken(until: Self.timestamp(until)))
  }

  private static func timestamp(_ nanoseconds: UInt64) -> Timestamp {
    Timestamp(nanoseconds: Int64(clamping: nanoseconds))
  }
}
