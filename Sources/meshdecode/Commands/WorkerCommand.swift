internal import ArgumentParser
internal import Foundation
internal import Launching
internal import RunSetup
internal import Settings
internal import Transport
internal import Wire
internal import WorkerRuntime

/// One rank of a mesh; started by a launcher, seldom by hand.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Runs one rank; started by a launcher or an orchestrator.",
    discussion: """
      A worker joins its coordinator, loads its shard and runs step plans until it is told to stop. It ends by itself \
      when its coordinator or its standard input is gone.

      By hand, or from an orchestrator (--launcher external on the coordinator's side):
        meshdecode worker --coordinator tcp://HOST:PORT --rank 0 --world-size 2 --secret-file join
      Left out, the place comes from RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT as torchrun sets them, or from the \
      variables of Slurm, Open MPI and Kubernetes; the secret from MESHDECODE_JOIN_SECRET_FILE.
      """)

  @Option(name: .customLong("coordinator"), help: "The coordinator's control endpoint, ipc:// or tcp://.")
  var coordinator: String?

  @Option(name: .customLong("rank"), help: "This worker's rank, from 0.")
  var rank: Int?

  @Option(name: .customLong("world-size"), help: "Ranks of the mesh.")
  var worldSize: Int?

  @Option(
    name: .customLong("data-endpoint"),
    help: "Where this worker listens for its peers; left out, at its address toward the coordinator.")
  var dataEndpoint: String = "tcp://\(WorkerConnection.ownAddress):*"

  @Option(
    name: .customLong("secret-file"),
    help: "What lets it in over TCP; - reads it from the first line of standard input.")
  var joinSecretFile: String?

  @Flag(
    name: .customLong("plain-tcp"), help: "Plain TCP, readable and open to anyone; both sides must say so.")
  var insecure = false

  @Option(name: .customLong("epoch"), help: "The membership epoch that it joins.")
  var epoch: UInt64 = 1

  @Option(
    name: .customLong("incarnation"),
    help: "How often this rank was started before; left out by workers that come by themselves.")
  var incarnation: UInt32?

  @Option(name: .customLong("pulse-endpoint"), help: "Where its signs of life go; left out, it sends none.")
  var pulseEndpoint: String = ""

  @Option(name: .customLong("pulse-period"), help: "Milliseconds between its signs of life.")
  var pulseMilliseconds: Int = 500

  @Flag(
    name: .customLong("spare"),
    help: "Waits to take the place of a rank that is lost; its number follows theirs.")
  var isSpare = false

  @Option(
    name: .customLong("directory"), help: "The run's private directory, removed by whoever is last.")
  var runDirectory: String?

  func run() throws {
    guard (1...60_000).contains(pulseMilliseconds) else {
      throw SettingsError("--pulse-period is \(pulseMilliseconds); give 1 to 60000.")
    }
    let place = WorkerVariables(ProcessInfo.processInfo.environment)
    let coordinator = try self.coordinator ?? place.coordinator()
    let rank = try self.rank ?? place.rank()
    let worldSize = try self.worldSize ?? place.worldSize()
    let seats = isSpare ? worldSize..<(worldSize + 4096) : 0..<worldSize
    guard (1...4096).contains(worldSize), seats.contains(rank) else {
      throw SettingsError(
        "--rank \(rank) of --world-size \(worldSize) is impossible; ranks are 0 to world size - 1.")
    }
    // Before the life line takes standard input over.
    let pass = try self.pass(place)
    try LifeLine.attach(runDirectory: runDirectory.map { RunDirectory(existing: $0) })
    do {
      let endpoints = try endpoints(coordinator, pass)
      var connection = WorkerConnection(
        coordinator: endpoints.control.description, rank: rank, worldSize: worldSize,
        dataEndpoint: dataEndpoint, epoch: Epoch(rawValue: epoch),
        incarnation: incarnation ?? .random(in: Hello.firstOwnIncarnation ..< .max),
        buildID: BuildInfo.version, pulseEndpoint: endpoints.pulses,
        pulsePeriod: .milliseconds(pulseMilliseconds),
        security: pass.map { .encrypted($0.keys) } ?? (insecure ? .insecure : .localOnly))
      let shards: [Int: ModelLoading.Loaded]
      if isSpare {
        guard
          let promoted = try SpareWorker(connection, coordinatorLost: { LifeLine.leave(saying: $0) }).run()
        else { return }
        (connection, shards) = (promoted.connection, promoted.shards)
      } else {
        shards = [:]
      }
      try Worker(connection, preloaded: shards, coordinatorLost: { LifeLine.leave(saying: $0) }).run()
    } catch let error as SettingsError {
      throw error
    } catch {
      throw CommandFailure(.failedWhileRunning, "\(error)")
    }
  }

  /// What lets it in; nil when nothing was given.
  private func pass(_ place: WorkerVariables) throws -> WorkerPass? {
    guard !insecure, let file = joinSecretFile ?? place.joinSecretFile else { return nil }
    return try WorkerSecret.read(file)
  }

  /// Where steps and pulses are talked of. A coordinator that did not start this worker hears pulses one port on.
  private func endpoints(_ coordinator: String, _ pass: WorkerPass?) throws -> (
    control: Endpoint, pulses: String
  ) {
    let given = try Endpoint(coordinator)
    let control = given.with(key: given.key ?? pass?.coordinatorKey)
    guard pulseEndpoint.isEmpty, case .tcp(let host, let port, let key) = control, port < 65535 else {
      return (control, pulseEndpoint)
    }
    return (control, Endpoint.tcp(host: host, port: port + 1, key: key).description)
  }
}
