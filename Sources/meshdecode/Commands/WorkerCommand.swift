internal import ArgumentParser
internal import Launching
internal import Settings
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
      """)

  @Option(name: .customLong("coordinator"), help: "The coordinator's control endpoint, ipc:// or tcp://.")
  var coordinator: String

  @Option(name: .customLong("rank"), help: "This worker's rank, from 0.")
  var rank: Int

  @Option(name: .customLong("world-size"), help: "Ranks of the mesh.")
  var worldSize: Int

  @Option(name: .customLong("data-endpoint"), help: "Where this worker listens for its peers.")
  var dataEndpoint: String

  @Option(name: .customLong("epoch"), help: "The membership epoch that it joins.")
  var epoch: UInt64 = 1

  @Option(name: .customLong("incarnation"), help: "How often this rank was started before.")
  var incarnation: UInt32 = 0

  @Option(name: .customLong("pulse-endpoint"), help: "Where its signs of life go; left out, it sends none.")
  var pulseEndpoint: String = ""

  @Option(name: .customLong("pulse-period"), help: "Milliseconds between its signs of life.")
  var pulseMilliseconds: Int = 500

  @Option(
    name: .customLong("directory"), help: "The run's private directory, removed by whoever is last.")
  var runDirectory: String?

  func run() throws {
    guard (1...60_000).contains(pulseMilliseconds) else {
      throw SettingsError("--pulse-period is \(pulseMilliseconds); give 1 to 60000.")
    }
    guard (1...4096).contains(worldSize), (0..<worldSize).contains(rank) else {
      throw SettingsError(
        "--rank \(rank) of --world-size \(worldSize) is impossible; ranks are 0 to world size - 1.")
    }
    try LifeLine.attach(runDirectory: runDirectory.map { RunDirectory(existing: $0) })
    let connection = WorkerConnection(
      coordinator: coordinator, rank: rank, worldSize: worldSize, dataEndpoint: dataEndpoint,
      epoch: Epoch(rawValue: epoch), incarnation: incarnation, buildID: BuildInfo.version,
      pulseEndpoint: pulseEndpoint, pulsePeriod: .milliseconds(pulseMilliseconds))
    do {
      try Worker(connection, coordinatorLost: { LifeLine.leave(after: $0) }).run()
    } catch {
      throw CommandFailure(.failedWhileRunning, "\(error)")
    }
  }
}
