package import Launching
internal import Topology
internal import Transport

/// Ranks on other hosts: which one where, and how they are started there.
package struct Fleet: Sendable {
  package var placement: RankPlacement
  /// Nil when somebody else starts the workers.
  package var launcher: (any Launcher)?
  /// Where workers reach the coordinator: an address of this host, and a port; 0 takes any free one.
  package var coordinatorAddress: String
  package var coordinatorPort: UInt16

  package init(
    placement: RankPlacement, launcher: (any Launcher)?, coordinatorAddress: String,
    coordinatorPort: UInt16 = 0
  ) {
    self.placement = placement
    self.launcher = launcher
    self.coordinatorAddress = coordinatorAddress
    self.coordinatorPort = coordinatorPort
  }

  /// The address from which this host reaches `host`; for coordinators that were not told theirs.
  package static func address(toward host: String) throws(EngineError) -> String {
    do throws(TransportError) {
      return try RouteAddress.local(toward: .tcp(host: host, port: 22))
    } catch {
      throw EngineError(.failure, "\(error), or give --coordinator-address")
    }
  }

  /// Most ranks on one host.
  var mostRanksPerHost: Int { placement.hosts.indices.map { placement.ranks(on: $0).count }.max() ?? 1 }
}

/// Where workers and coordinator meet, and what keeps others out.
struct MeetingPoint {
  let keys: RunKeys?
  let security: NetworkSecurity
  private let fleet: Fleet?

  /// - Throws: `TransportError` when keys cannot be made.
  init(_ configuration: EngineConfiguration) throws(TransportError) {
    fleet = configuration.fleet
    guard configuration.usesTCP else {
      (keys, security) = (nil, .localOnly)
      return
    }
    guard !configuration.isInsecure else {
      (keys, security) = (nil, .insecure)
      return
    }
    let keys: RunKeys
    if let secret = configuration.joinSecret {
      keys = RunKeys(secret)
    } else {
      keys = try RunKeys.generate(worldSize: configuration.mesh.worldSize, spares: configuration.numSpares)
    }
    self.keys = keys
    security = .encrypted(keys.coordinator)
  }

  /// A context whose sockets let in the ranks of this run and nobody else.
  func makeContext() throws(TransportError) -> ZMQContext {
    let context = try ZMQContext(security: security)
    if let keys { context.admit(keys.guests, complete: true) }
    return context
  }

  /// Where the coordinator hears of steps; in the run directory on one host.
  func control(_ directory: Launching.RunDirectory) throws(TransportError) -> Endpoint {
    try endpoint("control", 0, directory)
  }

  /// Where it hears pulses: the port after the one for steps, when that is fixed.
  func pulses(_ directory: Launching.RunDirectory) throws(TransportError) -> Endpoint {
    try endpoint("pulses", 1, directory)
  }

  private func endpoint(_ name: String, _ offset: UInt16, _ directory: Launching.RunDirectory)
    throws(TransportError)
    -> Endpoint
  {
    switch security {
    case .localOnly: return try Endpoint("ipc://\(directory.file(name))")
    case .encrypted, .insecure:
      let port = fleet?.coordinatorPort ?? 0
      return .tcp(host: fleet?.coordinatorAddress ?? "127.0.0.1", port: port == 0 ? 0 : port + offset)
    }
  }
}
