internal import Compute
package import Launching
internal import Parsing
internal import Synchronization
package import Transport
internal import Wire

/// What is looked at, and from where.
package struct PreflightSettings: Sendable {
  package var hosts: [LaunchHost]
  package var launcher: any Launcher
  /// Where nodes reach this host; port 0 is any.
  package var coordinator: Endpoint
  package var isInsecure = false
  /// Directory of the model on hosts that name none; nil looks at no checkpoint.
  package var modelDirectory: String?
  /// Reads every byte of the checkpoints.
  package var isFull = false
  package var buildID: String
  package var executable: String
  /// How long hosts may take to come.
  package var patience: Duration = .seconds(30)
  /// Up to so many hosts one pair is measured at a time; beyond, all disjoint pairs are.
  package var oneAtATime = 16
  /// What is expected of links; those below it are measured again, alone.
  package var limits = PreflightLimits()

  package init(
    hosts: [LaunchHost], launcher: any Launcher, coordinator: Endpoint, buildID: String, executable: String
  ) {
    self.hosts = hosts
    self.launcher = launcher
    self.coordinator = coordinator
    self.buildID = buildID
    self.executable = executable
  }
}

/// Looks at every host and every link before anything is loaded: the coordinator's side.
///
/// One agent on each host, started as ranks are; facts come back through the launcher, figures through the sockets that
/// a run would use. Nothing is judged here, but what looks bad is looked at again.
package final class Preflight {
  private let settings: PreflightSettings
  private let context: ZMQContext
  private let server: ControlServer
  private let launcher: LocalLauncher
  private let told: Notes
  private let epoch = Epoch(rawValue: 1)
  private var outcome: PreflightOutcome
  private var endpoints: [String]
  private var answers: [UInt64: [Int: NodeAnswer]] = [:]
  private var lastNumber: UInt64 = 0

  /// What the launcher's thread hears.
  private final class Notes: Sendable {
    let lines = Mutex<[(rank: Int, text: String)]>([])
  }

  /// Starts the agents.
  package init(_ settings: PreflightSettings) throws(PreflightError) {
    self.settings = settings
    let count = settings.hosts.count
    outcome = PreflightOutcome(
      nodes: settings.hosts.map {
        NodeObservation(host: $0.name, executable: $0.executable ?? settings.executable)
      }, links: [])
    endpoints = Array(repeating: "", count: count)
    let told = Notes()
    self.told = told
    do {
      let keys = settings.isInsecure ? nil : try RunKeys.generate(worldSize: count)
      context = try ZMQContext(security: keys.map { .encrypted($0.coordinator) } ?? .insecure)
      if let keys { context.admit(keys.guests, complete: true) }
      server = try ControlServer(context, endpoint: settings.coordinator)
      try TerminationSignals.install()
      launcher = try LocalLauncher { rank, line in
        if line.hasPrefix(NodeAgent.linePrefix) { told.lines.withLock { $0.append((rank, line)) } }
      }
      for rank in 0..<count {
        launcher.start(Self.launch(rank, settings, server.endpoint, ticket: keys?.ticket(of: rank)))
      }
    } catch {
      throw PreflightError("\(error)")
    }
  }

  private static func launch(
    _ rank: Int, _ settings: PreflightSettings, _ endpoint: Endpoint, ticket: String?
  ) -> RankLaunch {
    let host = settings.hosts[rank]
    var arguments = [
      NodeAgent.command, "--coordinator", endpoint.description, "--rank", "\(rank)",
      "--world-size", "\(settings.hosts.count)", "--data-endpoint", "tcp://\(host.address ?? "auto"):*",
    ]
    arguments += ticket == nil ? ["--plain-tcp"] : ["--secret-file", "-"]
    if let directory = host.model ?? settings.modelDirectory {
      arguments += ["--model-directory", directory]
    }
    if settings.isFull { arguments.append("--full-hash") }
    let launch = RankLaunch(
      rank: rank, executable: settings.executable, arguments: arguments,
      environment: ["SWIFT_BACKTRACE": "enable=no"], input: ticket ?? "")
    return settings.launcher.client(for: launch, on: host)
  }

  /// Looks at everything.
  ///
  /// - Parameter progress: gets the number of links that have been measured, and how many there are.
  /// - Throws: when it is interrupted.
  package func run(_ progress: (Int, Int) -> Void = { _, _ in }) throws(PreflightError) -> PreflightOutcome {
    defer { launcher.stop() }
    try pump(for: settings.patience) { $0.outcome.nodes.allSatisfy { $0.hasJoined || $0.exit != nil } }
    introduce()
    for rank in present { outcome.nodes[rank].clockOffset = try clockOffset(of: rank) }
    try measureLinks(progress)
    for rank in present { tell(rank, .shutdown) }
    return outcome
  }

  private var present: [Int] {
    outcome.nodes.indices.filter { outcome.nodes[$0].hasJoined && outcome.nodes[$0].exit == nil }
  }

  private func introduce() {
    var book = ByteWriter()
    for (rank, endpoint) in endpoints.enumerated() {
      book.lengthPrefixedString(present.contains(rank) ? endpoint : "")
    }
    for rank in present { tell(rank, .addressBook, book.bytes) }
  }

  /// By the quickest of eight questions, halfway between question and answer (Cristian 1989).
  private func clockOffset(of rank: Int) throws(PreflightError) -> Double? {
    var best: (trip: Double, offset: Double)?
    for _ in 0..<8 {
      let asked = (wall: WallClock.now, at: Deadline.now)
      let number = ask(rank, .clock)
      guard let answer = try replies(number, of: [rank], .seconds(5))[rank] else { return best?.offset }
      let trip = Double(Deadline.now - asked.at) / 1e9
      if trip < best?.trip ?? .infinity { best = (trip, answer.clock - (asked.wall + trip / 2)) }
    }
    return best?.offset
  }

  private func measureLinks(_ progress: (Int, Int) -> Void) throws(PreflightError) {
    let count = settings.hosts.count
    let width = count <= settings.oneAtATime ? 1 : count
    let total = count * (count - 1) / 2
    for round in PairSchedule.rounds(of: count, width: width) {
      progress(outcome.links.count, total)
      outcome.links += try measure(round.filter { present.contains($0.0) && present.contains($0.1) })
    }
    for _ in 0..<Self.secondLooks {
      let suspects = LinkComparison(outcome, settings.limits).slowLinks
      if suspects.isEmpty { break }
      for place in suspects {
        let link = outcome.links[place]
        guard let again = try measure([(link.first, link.second)]).first?.figures else { continue }
        outcome.links[place].figures?.keepBest(of: again)
      }
    }
    progress(total, total)
  }

  /// A link can look slow because one of its hosts was busy for a moment; one that is slow stays so.
  private static let secondLooks = 4

  /// Measures pairs of hosts at the same time.
  private func measure(_ pairs: [(Int, Int)]) throws(PreflightError) -> [LinkObservation] {
    let numbers = pairs.map { first, second in
      let number = ask(second, .serve, peer: first)
      return ask(first, .measure, peer: second, number: number)
    }
    var links: [LinkObservation] = []
    for ((first, second), number) in zip(pairs, numbers) {
      links.append(Self.observation(first, second, try replies(number, of: [first, second], .seconds(60))))
    }
    return links
  }

  private static func observation(_ first: Int, _ second: Int, _ answers: [Int: NodeAnswer])
    -> LinkObservation
  {
    if let figures = answers[first]?.figures { return LinkObservation(first, second, figures: figures) }
    let problem = [first, second].compactMap { answers[$0]?.problem }.first { !$0.isEmpty }
    return LinkObservation(first, second, problem: problem ?? "no answer")
  }

  // MARK: Messages

  private func ask(_ rank: Int, _ kind: NodeTask.Kind, peer: Int = 0, number given: UInt64? = nil) -> UInt64 {
    if given == nil { lastNumber += 1 }
    let number = given ?? lastNumber
    tell(rank, .inquiry, NodeTask(kind, number: number, peer: peer).encoded)
    return number
  }

  /// One that is gone will not answer, which is seen then.
  private func tell(_ rank: Int, _ kind: MessageKind, _ payload: [UInt8] = []) {
    let name = WorkerName(rank: UInt32(rank), epoch: epoch, incarnation: 0)
    try? server.send(ControlMessage(kind: kind, epoch: epoch, payload: payload), to: name)
  }

  /// The answers of `ranks` to a question, without those of ranks that ended or took too long.
  private func replies(_ number: UInt64, of ranks: [Int], _ limit: Duration) throws(PreflightError)
    -> [Int: NodeAnswer]
  {
    try pump(for: limit) { run in
      ranks.allSatisfy { run.answers[number]?[$0] != nil || run.outcome.nodes[$0].exit != nil }
    }
    return answers.removeValue(forKey: number) ?? [:]
  }

  /// Takes in what comes until `condition` holds or `limit` is over.
  private func pump(for limit: Duration, until condition: (Preflight) -> Bool) throws(PreflightError) {
    let deadline = Deadline.after(limit)
    takeIn()
    while !condition(self), !deadline.hasPassed {
      do {
        _ = try server.wait(
          descriptors: [launcher.exitDescriptor, TerminationSignals.descriptor],
          until: min(deadline, .after(milliseconds: 100)))
      } catch {
        throw PreflightError("\(error)")
      }
      if let signal = TerminationSignals.received {
        throw PreflightError("interrupted by signal \(signal)", signal: signal)
      }
      takeIn()
    }
  }

  private func takeIn() {
    while let event = try? server.receive() {
      guard case .message(let message, let name) = event, Int(name.rank) < endpoints.count else { continue }
      let rank = Int(name.rank)
      switch message.kind {
      case .hello:
        endpoints[rank] = String(decoding: message.payload, as: UTF8.self)
        outcome.nodes[rank].hasJoined = true
      case .answer:
        guard let answer = NodeAnswer(message.payload) else { continue }
        answers[answer.number, default: [:]][rank] = answer
      default: continue
      }
    }
    for exit in launcher.takeExits() { outcome.nodes[exit.rank].exit = exit }
    let lines = told.lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
    for (rank, line) in lines { note(line.dropFirst(NodeAgent.linePrefix.count), of: rank) }
  }

  private func note(_ text: Substring, of rank: Int) {
    guard let space = text.firstIndex(of: " "),
      let json = try? JSONReader.parse(String(text[text.index(after: space)...]))
    else { return }
    switch text[..<space] {
    case "facts": outcome.nodes[rank].facts = NodeFacts(json)
    case "checkpoint": outcome.nodes[rank].checkpoint = CheckpointFingerprint(json)
    default: return
    }
  }
}
