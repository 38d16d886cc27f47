internal import Coordination
internal import Launching
internal import Parsing
internal import Scheduling
internal import Topology
internal import Transport
internal import Wire
internal import WorkerRuntime

/// The shell's two halves: messages become events, directives become messages.
extension MeshEngine {
  func receive(_ event: ControlServer.Event, _ observe: (EngineEvent) -> Void) throws {
    switch event {
    case .malformed(let error, let name):
      guard let name else { return }
      lose(name, "sent an unreadable message: \(error)")
    case .message(let message, let name):
      do throws(ParseError) {
        try receive(message, from: name, observe)
      } catch {
        lose(name, "sent a \(message.kind) that cannot be read: \(error)")
      }
    }
  }

  private func lose(_ name: WorkerName, _ text: String) {
    events.append(
      .rankLost(rank: Int(name.rank), incarnation: name.incarnation, RankLoss(.unreachable, text)))
  }

  private func receive(
    _ message: ControlMessage, from name: WorkerName, _ observe: (EngineEvent) -> Void
  ) throws(ParseError) {
    var reader = ByteReader(message.payload.span)
    let rank = Int(name.rank)
    let start = name.incarnation
    guard names.indices.contains(rank) else { return }
    switch message.kind {
    case .hello:
      applicants[name] = ""
      processes.noteJoined(rank)
      let hello = try Hello(from: &reader)
      workerCPUs[rank] = Int(hello.numThreads)
      events.append(.hello(hello))
    case .addressBook:
      // Comes right after the hello, before that has been answered.
      let endpoint = try reader.lengthPrefixedString(atMost: 4096, "data endpoint")
      if name == names[rank] { endpoints[rank] = endpoint }
      if applicants[name] != nil { applicants[name] = endpoint }
    case .loadProgress: events.append(.loadProgress(try LoadProgress(from: &reader), incarnation: start))
    case .ready:
      note(rank, .loaded, observe)
      if timeline.steps > 0 { startRecording(name) }
      events.append(.ready(try Ready(from: &reader), incarnation: start))
    case .epochAcknowledged:
      events.append(.epochAcknowledged(try EpochAcknowledged(from: &reader), incarnation: start))
    case .stepResult:
      let result = try StepResult(from: &reader)
      count(result.expertLoad)
      let replica = core.settings.placements[rank].replica
      if replica == 0 {
        overheads?.note(result.step, work: result.timings.total, at: Deadline.now)
      }
      if timeline.steps > 0 {
        timeline.answered(result.step, replica: replica, at: Deadline.now)
      }
      if directResults == nil {
        events.append(.stepResult(result, rank: rank, incarnation: start))
      } else {
        directResults?[Int(result.group)] = result
      }
    case .answer: take(try InquiryAnswer(from: &reader), from: rank)
    case .linkReport: linkAnswers[name.rank] = try LinkReport(from: &reader)
    case .stepTrace: traces.append(try StepTrace(from: &reader))
    case .abort: events.append(.abort(try Abort(from: &reader), rank: rank, incarnation: start))
    default: break
    }
  }

  func interpret(_ directive: CoordinatorDirective, _ observe: (EngineEvent) -> Void) throws(EngineError) {
    switch directive {
    case .configure(let rank):
      let wanted = core.incarnation(of: rank)
      names[rank] = applicants.keys.first { $0.rank == UInt32(rank) && $0.incarnation == wanted }
      endpoints[rank] = names[rank].flatMap { applicants.removeValue(forKey: $0) } ?? ""
      note(rank, .joined, observe)
      configure(rank)
    case .refuse(let rank, let incarnation, let text):
      let found = applicants.keys.first { $0.rank == UInt32(rank) && $0.incarnation == incarnation }
      guard let name = found else { return }
      applicants[name] = nil
      send(.refusal, to: name) { $0.raw(Array(text.utf8)) }
    case .loading(let done, let total): observe(.loading(bytesDone: done, bytesTotal: total))
    case .introduce(let replica, let epoch): introduce(replica, epoch)
    case .serving:
      isReady = true
      observe(.ready)
    case .sendPlan(let plan, let replica):
      log(.debug, "replica \(replica) computes \(plan.numTokens) rows")
      let started = timeline.steps > 0 ? Deadline.now : 0
      for rank in ranks(of: replica) {
        guard let name = names[rank] else { continue }
        send(.stepPlan, to: name, epoch: plan.epoch, step: plan.step) { plan.write(to: &$0) }
      }
      if started > 0 { timeline.planned(plan.step, replica: replica, at: started, sent: Deadline.now) }
    case .token(let token): observe(.token(token))
    case .payload(let payload): observe(.payload(payload))
    case .finished(let end): observe(.finished(end))
    case .refused(let id, let text): observe(.refused(id, text))
    case .failed(let failure):
      throw EngineError(.failure, failure.description, lastLines: failure.loss?.lastLines ?? [])
    case .remesh(let smaller, _): try remesh(smaller, observe)
    case .lost, .stopRank, .startRank, .promote, .changeEpoch, .stepRetried, .recovered:
      recover(directive, observe)
    case .abortStep, .drained, .shutdown: break
    }
  }

  private func recover(_ directive: CoordinatorDirective, _ observe: (EngineEvent) -> Void) {
    switch directive {
    case .lost(let rank, _, let loss): note(rank, .lost(loss), observe)
    case .stopRank(let rank, let incarnation):
      // One that nobody here can kill must not go on when it wakes up.
      if core.settings.adoptsWorkers, let name = names[rank] {
        let farewell = Shutdown(epoch: core.epoch, text: "rank \(rank) has been given up")
        send(.shutdown, to: name) { farewell.write(to: &$0) }
      }
      names[rank] = nil
      processes.kill(rank, incarnation: incarnation)
    case .startRank(let rank, let incarnation, let epoch):
      processes.start(rank, incarnation: incarnation, epoch: epoch)
      note(rank, .started(processID: nil), observe)
    case .promote(let spare, let rank, let incarnation, let epoch):
      promote(spare, to: rank, incarnation: incarnation, epoch: epoch)
      note(rank, .promoted(spare: spare - core.settings.mesh.worldSize), observe)
    case .changeEpoch(let change, let ranks):
      for rank in ranks {
        guard let name = names[rank] else { continue }
        send(.epochChange, to: name, epoch: change.epoch) { change.write(to: &$0) }
      }
    case .stepRetried(let rank, let text): note(rank, .retried(text), observe)
    case .recovered(let recovery): note(nil, .recovered(recovery), observe)
    default: break
    }
  }

  func note(_ rank: Int?, _ kind: MembershipEvent.Kind, _ observe: (EngineEvent) -> Void) {
    let event = MembershipEvent(at: Self.now.nanoseconds, rank: rank, kind: kind)
    log(event)
    observe(.membership(event))
  }

  private func ranks(of replica: Int) -> [Int] {
    core.settings.mesh.ranks.filter { core.settings.placements[$0].replica == replica }
  }

  private func configure(_ rank: Int) {
    guard let name = names[rank] else { return }
    let isSpare = rank >= configuration.mesh.worldSize
    // A spare gets what rank 0 would; it is no rank yet.
    let rank = isSpare ? 0 : rank
    let threads = threads(of: rank)
    var settings = WorkerSettings(
      modelDirectory: processes.placement?.host(of: rank).model ?? configuration.modelDirectory,
      configJSON: JSONWriter.string(configuration.configJSON),
      dummySeed: configuration.dummySeed, weightDType: configuration.weightDType,
      quantization: configuration.quantization, mesh: configuration.mesh,
      rank: rank, limits: limits, threads: threads.count, spins: threads.seat != nil,
      seat: threads.seat ?? -1, seats: threads.seats, instructionSet: configuration.instructionSet,
      collectiveMilliseconds: Int(configuration.collectiveTimeout / .milliseconds(1)),
      expertDispatch: configuration.expertDispatch)
    settings.observations = configuration.observations
    settings.linkConditions = linkConditions
    settings.tellsAddresses = configuration.tellsAddresses
    settings.preloads = isSpare && weightBytes * 2 < HostMemory.availableBytes
    settings.balance = configuration.balance
    let message = Configure(epoch: name.epoch, settings: settings.encoded())
    send(.configure, to: name, epoch: name.epoch) { message.write(to: &$0) }
  }

  /// Threads of a worker, and its seat among the workers of its host if all of them have CPUs to themselves.
  private func threads(of rank: Int) -> (count: Int, seat: Int?, seats: Int) {
    guard let placement = processes.placement else {
      let count = sizes.threadsPerWorker
      return (count, sizes.hasCPUPerThread ? rank : nil, configuration.mesh.worldSize)
    }
    let seat = placement.seat(of: rank)
    let cpus = workerCPUs[rank] ?? 1
    let count =
      configuration.threadsPerWorker > 0 ? configuration.threadsPerWorker : max(1, cpus / seat.count)
    return (count, count * seat.count <= cpus ? seat.index : nil, seat.count)
  }

  /// Tells the ranks of a replica where the others listen. It goes the way of the plans, so it is there before them.
  private func introduce(_ replica: Int, _ epoch: Epoch) {
    let members = ranks(of: replica)
    let world = configuration.mesh.worldSize
    var book = AddressBook(epoch: epoch, endpoints: Array(repeating: "", count: world))
    for rank in members { book.endpoints[rank] = endpoints[rank] }
    for rank in members {
      guard let name = names[rank] else { continue }
      send(.addressBook, to: name, epoch: epoch) { book.write(to: &$0) }
    }
  }

  /// Sends a message that the core knows nothing of.
  func sendDirect(
    _ kind: MessageKind, to rank: Int, step: StepNumber, _ message: some WireMessage
  ) throws(EngineError) {
    guard let name = names[rank] else { throw EngineError(.failure, "rank \(rank) has left the mesh") }
    send(kind, to: name, epoch: core.epoch, step: step) { message.write(to: &$0) }
  }

  func send(
    _ kind: MessageKind, to name: WorkerName, epoch: Epoch = Epoch(rawValue: 0),
    step: StepNumber = StepNumber(rawValue: 0), _ write: (inout ByteWriter) -> Void
  ) {
    var writer = ByteWriter()
    write(&writer)
    do throws(TransportError) {
      try server.send(
        ControlMessage(kind: kind, epoch: epoch, step: step, payload: writer.bytes), to: name)
    } catch {
      lose(name, "cannot be reached: \(error)")
    }
  }
}
