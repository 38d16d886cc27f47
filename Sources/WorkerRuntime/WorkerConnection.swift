internal import Compute
package import Transport
package import Wire

/// How a worker finds its coordinator and its place.
package struct WorkerConnection: Sendable, Hashable {
  /// The coordinator's control endpoint.
  package var coordinator: String
  package var rank: Int
  package var worldSize: Int
  /// Where this worker listens for its peers; `tcp://host:*` takes any free port, `shm://*` new shared
  /// memory.
  package var dataEndpoint: String
  package var epoch: Epoch
  package var incarnation: UInt32
  /// Build identity; the coordinator refuses another one.
  package var buildID: String
  /// Where pulses go; empty sends none.
  package var pulseEndpoint: String
  package var pulsePeriod: Duration
  /// What is done with TCP; its keys are what the coordinator knows this worker by.
  package var security: NetworkSecurity

  /// In `dataEndpoint` the address from which this host reaches the coordinator.
  package static let ownAddress = "auto"

  package init(
    coordinator: String, rank: Int, worldSize: Int, dataEndpoint: String, epoch: Epoch, incarnation: UInt32,
    buildID: String, pulseEndpoint: String = "", pulsePeriod: Duration = .milliseconds(500),
    security: NetworkSecurity = .localOnly
  ) {
    self.coordinator = coordinator
    self.rank = rank
    self.worldSize = worldSize
    self.dataEndpoint = dataEndpoint
    self.epoch = epoch
    self.incarnation = incarnation
    self.buildID = buildID
    self.pulseEndpoint = pulseEndpoint
    self.pulsePeriod = pulsePeriod
    self.security = security
  }

  /// Where this worker listens, with its own address put in.
  func listeningEndpoint() throws(TransportError) -> Endpoint {
    let endpoint = try Endpoint(dataEndpoint)
    guard case .tcp(Self.ownAddress, let port, _) = endpoint else { return endpoint }
    return .tcp(host: try RouteAddress.local(toward: try Endpoint(coordinator)), port: port)
  }
}

extension Hello {
  /// The first words of the process behind `connection`.
  init(_ connection: WorkerConnection) {
    self.init(
      buildID: connection.buildID, protocolVersion: Hello.currentProtocolVersion,
      rank: UInt32(connection.rank), incarnation: connection.incarnation, processID: HostFacts.processID,
      hostName: HostFacts.hostName, cpuFeatures: CPUFeatures.current.description,
      numThreads: UInt32(HostFacts.allowedCPUs.count))
  }
}

extension WorkerSettings {
  /// The instruction set that was asked for, if this processor has it.
  func chosenInstructionSet() throws(WorkerError) -> InstructionSet {
    guard !instructionSet.isEmpty else { return .best }
    guard let chosen = InstructionSet(rawValue: instructionSet), chosen.isAvailable else {
      let available = InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue).joined(separator: ", ")
      throw .startup(
        "instruction set \(instructionSet) is not available on this CPU; available are \(available)")
    }
    return chosen
  }
}
