internal import Compute
internal import Foundation
internal import Launching
internal import Parsing
package import Transport
internal import Wire

/// The part of the preflight that runs on each host: tells facts through standard error, then joins and measures links.
///
/// Facts go the way of the launcher, so that a host whose network to the others is broken can still be described.
package struct NodeAgent {
  /// Begins the lines of standard error that are facts.
  package static let linePrefix = "meshdecode-doctor "
  /// The hidden subcommand that the launcher starts.
  package static let command = "doctor-node"

  package let coordinator: Endpoint
  package let rank: Int
  package let worldSize: Int
  package let dataEndpoint: String
  package let security: NetworkSecurity
  /// Nil looks at no checkpoint.
  package let modelDirectory: String?
  package let isFull: Bool
  package let buildID: String

  package init(
    coordinator: Endpoint, rank: Int, worldSize: Int, dataEndpoint: String, security: NetworkSecurity,
    modelDirectory: String?, isFull: Bool, buildID: String
  ) {
    self.coordinator = coordinator
    self.rank = rank
    self.worldSize = worldSize
    self.dataEndpoint = dataEndpoint
    self.security = security
    self.modelDirectory = modelDirectory
    self.isFull = isFull
    self.buildID = buildID
  }

  /// Works until it is told to leave, or the coordinator is silent for five minutes.
  package func run() throws {
    let facts = NodeFacts.collect(
      buildID: buildID, executable: (try? ExecutableLocation.path()) ?? "",
      runDirectory: FileManager.default.temporaryDirectory.path)
    say("facts", facts.json)
    if let modelDirectory {
      say("checkpoint", CheckpointFingerprint.take(of: modelDirectory, full: isFull).json)
    }
    let context = try ZMQContext(security: security)
    let epoch = Epoch(rawValue: 1)
    var listening = try Endpoint(dataEndpoint)
    if case .tcp("auto", let port, _) = listening {
      listening = .tcp(host: try RouteAddress.local(toward: coordinator), port: port)
    }
    let link = try Links.make(context, rank: rank, worldSize: worldSize, endpoint: listening, epoch: epoch)
    let client = try ControlClient(
      context, endpoint: coordinator,
      name: WorkerName(rank: UInt32(rank), epoch: epoch, incarnation: 0))
    func send(_ kind: MessageKind, _ payload: [UInt8]) throws {
      try client.send(
        ControlMessage(kind: kind, epoch: epoch, payload: payload), deadline: .after(.seconds(5)))
    }
    try send(.hello, Array(link.endpoint.description.utf8))
    while let message = try client.receive(deadline: .after(.seconds(300))) {
      switch message.kind {
      case .addressBook:
        var reader = ByteReader(message.payload.span)
        for peer in 0..<worldSize {
          let endpoint = try reader.lengthPrefixedString(atMost: 300)
          if peer != rank, !endpoint.isEmpty { try link.connect(to: peer, at: Endpoint(endpoint)) }
        }
      case .inquiry:
        guard let task = NodeTask(message.payload) else { return }
        try send(.answer, answer(task, link).encoded)
      default: return
      }
    }
  }

  private func answer(_ task: NodeTask, _ link: any PeerLink) -> NodeAnswer {
    let probe = LinkProbe(link, peer: task.peer, step: StepNumber(rawValue: task.number))
    do throws(TransportError) {
      switch task.kind {
      case .clock: return NodeAnswer(number: task.number, clock: WallClock.now)
      case .measure: return NodeAnswer(number: task.number, figures: try probe.measure())
      case .serve:
        try probe.serve()
        return NodeAnswer(number: task.number)
      }
    } catch {
      return NodeAnswer(number: task.number, problem: error.message)
    }
  }

  private func say(_ title: String, _ json: JSONValue) {
    let line = "\(Self.linePrefix)\(title) \(JSONWriter.string(json))\n"
    try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
  }
}

/// The clock of dates, which only logs go by.
enum WallClock {
  /// Seconds since 1970.
  static var now: Double { Date().timeIntervalSince1970 }
}
