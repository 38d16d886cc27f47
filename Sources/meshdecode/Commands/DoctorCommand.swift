internal import ArgumentParser
internal import Launching
internal import Parsing
internal import Planning
internal import Preflight
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology
internal import Transport

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Looks at every host and link before anything is loaded, and says what is wrong where.",
    discussion: """
      For each host: can it be reached, is the executable there and of this build, libzmq, processor, NUMA \
      nodes, memory, disk, open files, clock, and whether the checkpoint is there and the same as elsewhere. \
      For each pair: round trip and bandwidth over the encrypted sockets that a run would use. Exit code 3 when \
      something would keep a run from working or make it slow.

      Examples:
        meshdecode doctor --hostfile deploy/ssh/hosts --model /models/NAME
        meshdecode doctor --hostfile hosts --model /models/NAME --tp 4 --ep 2 --full-hash --output json
        meshdecode doctor --launcher slurm            # inside sbatch or salloc
        meshdecode doctor                             # this host alone
      """)

  @Flag(
    name: .customLong("full-hash"),
    help: "Compares every byte of the checkpoints, not only small files, sizes and headers.")
  var isFull = false

  @Option(
    name: .customLong("min-link-megabytes"), parsing: .unconditional,
    help: ArgumentHelp(
      "MB/s below which a link is slow, whatever the others are. (0 to 1000000; default: 10)",
      valueName: "rate"))
  var leastMegabytes = "10"

  @Option(
    name: .customLong("max-round-trip-milliseconds"), parsing: .unconditional,
    help: ArgumentHelp("Round trip above which a link is slow. (0 to 60000; default: 10)", valueName: "time"))
  var mostMilliseconds = "10"

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    let settings = try resolve(config, [model, mesh, launch, output])
    var limits = PreflightLimits()
    limits.buildID = BuildInfo.version
    limits.leastBytesPerSecond = try number("--min-link-megabytes", leastMegabytes, 0...1_000_000) * 1e6
    limits.mostRoundTripMicroseconds =
      try number("--max-round-trip-milliseconds", mostMilliseconds, 0...60_000) * 1000
    var preflight = try preflightSettings(settings)
    limits.neededMemory = neededMemory(settings, preflight.hosts)
    preflight.limits = limits
    let progress = Progress("Links")
    let outcome = try Preflight(preflight).run { done, total in progress.report(done: done, total: total) }
    progress.finish()
    let verdict = PreflightVerdict(outcome, limits)
    let report = PreflightReport(outcome, verdict)
    switch settings.output.format {
    case .text: try Terminal.write(report.text + "\n")
    case .json: try Terminal.writeDocument(report.json)
    }
    guard verdict.passed else {
      throw CommandFailure(.failedCheck, "a host or a link is not fit for a run; see above")
    }
  }

  private func preflightSettings(_ settings: EngineSettings) throws -> PreflightSettings {
    guard settings.launch.launcher != .external else {
      throw SettingsError("doctor starts something on every host; give --hostfile or --launcher slurm.")
    }
    let route = try LaunchRoute(settings.launch)
    let address = try route?.coordinatorAddress(settings.launch) ?? ("127.0.0.1", 0)
    var preflight = PreflightSettings(
      hosts: route?.hosts ?? [LaunchHost("localhost")], launcher: route?.launcher ?? DirectLauncher(),
      coordinator: .tcp(host: address.0, port: address.1), buildID: BuildInfo.version,
      executable: try ExecutableLocation.path())
    preflight.isInsecure = settings.launch.insecure
    preflight.isFull = isFull
    if settings.model.loadFormat != .dummy { preflight.modelDirectory = try modelDirectory(of: settings) }
    if isFull { preflight.patience = .seconds(settings.launch.startupTimeoutSeconds) }
    return preflight
  }

  /// Bytes of the weights of each host's ranks; empty where model and mesh do not say.
  private func neededMemory(_ settings: EngineSettings, _ hosts: [LaunchHost]) -> [Int] {
    guard let directory = try? modelDirectory(of: settings),
      let setup = try? RunSetup(settings: settings, modelDirectory: directory),
      let plan = try? setup.plan(),
      let placement = try? RankPlacement(
        worldSize: setup.shape.worldSize, groupSize: setup.shape.tp, hosts: hosts)
    else { return [] }
    return hosts.indices.map { host in
      placement.ranks(on: host).reduce(0) { $0 + plan.ranks[$1].weightBytes }
    }
  }

  private func number(_ flag: String, _ text: String, _ range: ClosedRange<Double>) throws -> Double {
    guard let value = Double(text), range.contains(value) else {
      throw SettingsError(
        "\(flag) cannot be '\(text)'; give a number in the range \(Int(range.lowerBound)) to \(Int(range.upperBound))."
      )
    }
    return value
  }
}

/// The part of `doctor` on each host; started by it alone.
struct DoctorNodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: NodeAgent.command, abstract: "Looks at one host.", shouldDisplay: false)

  @Option(name: .customLong("coordinator")) var coordinator: String
  @Option(name: .customLong("rank")) var rank: Int
  @Option(name: .customLong("world-size")) var worldSize: Int
  @Option(name: .customLong("data-endpoint")) var dataEndpoint: String
  @Option(name: .customLong("secret-file")) var secretFile: String?
  @Option(name: .customLong("model-directory")) var model: String?
  @Flag(name: .customLong("plain-tcp")) var insecure = false
  @Flag(name: .customLong("full-hash")) var isFull = false

  func run() throws {
    guard (1...HostFile.maxHosts).contains(worldSize), (0..<worldSize).contains(rank) else {
      throw SettingsError("--rank \(rank) of --world-size \(worldSize) is impossible.")
    }
    let keys = insecure ? nil : try secretFile.map { try WorkerSecret.read($0).keys }
    try LifeLine.attach(runDirectory: nil)
    do {
      try NodeAgent(
        coordinator: Endpoint(coordinator), rank: rank, worldSize: worldSize, dataEndpoint: dataEndpoint,
        security: keys.map { .encrypted($0) } ?? (insecure ? .insecure : .localOnly), modelDirectory: model,
        isFull: isFull, buildID: BuildInfo.version
      ).run()
    } catch {
      throw CommandFailure(.failedWhileRunning, "\(error)")
    }
  }
}
