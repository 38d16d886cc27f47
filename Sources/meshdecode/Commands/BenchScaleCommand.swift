internal import ArgumentParser
internal import Compute
internal import Coordination
internal import Engine
internal import Foundation
internal import Parsing
internal import Planning
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology
internal import Workloads

struct BenchScaleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scale",
    abstract: "Runs the same prompts on a list of meshes: speed, where the time goes, equal tokens.",
    discussion: """
      Each mesh is started, measured and stopped; every token is compared with those of the first mesh. The time of a \
      decode step is split into compute, wait, wire, serialise and control from the clocks of all ranks. Efficiency is \
      tokens per second and busy core, against the first mesh. The exit code is 3 when tokens differ.

      Before that the machine is measured for a few seconds: reading, operations, messages, steps; not with the model.
      Each mesh is predicted from that as 'plan' predicts, and the table says which term is furthest off.

      Examples:
        meshdecode bench scale --meshes "tp1; tp2; ep2; tp2,ep2; attn_dp2" --html scale.html
        meshdecode bench scale --model DIR --meshes "tp1; tp2; tp4" -n 32 --batch 4 --output json
        meshdecode bench scale --model DIR --load-format dummy --transport shm --meshes "tp1; tp2"
      """)

  @Option(
    name: .customLong("meshes"), parsing: .unconditional,
    help: ArgumentHelp(
      "Meshes separated by ';', axes by ','. (default: tp1; tp2; tp3, and with experts ep2; attn_dp2; tp2,ep2)",
      valueName: "list"))
  var meshes: String?

  @Option(name: [.customShort("p"), .customLong("prompt-tokens")], help: "Tokens of each prompt.")
  var promptTokens = 16

  @Option(name: [.customShort("n"), .customLong("generate-tokens")], help: "Tokens to generate for each.")
  var generateTokens = 64

  @Option(name: .customLong("batch"), help: "Sequences at once.")
  var batch = 1

  @Option(name: .customLong("repetitions"), help: "Measured runs of each mesh.")
  var repetitions = 3

  @Option(
    name: .customLong("html"), parsing: .unconditional,
    help: ArgumentHelp("Writes a page with charts into this file.", valueName: "file"))
  var page: String?

  @Flag(
    name: .customLong("no-predict"),
    help: "Leaves out the predictions and the few seconds in which the machine is measured for them.")
  var skipsPrediction = false

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    try require([
      ("-p", promptTokens, 1...1_000_000), ("-n", generateTokens, 8...1_000_000),
      ("--batch", batch, 1...4096),
      ("--repetitions", repetitions, 1...1000),
    ])
    let settings = try resolve(config, [model, scheduler, launch, output])
    let shapes = try meshList(settings)
    var measurement = ScaleMeasurement()
    measurement.promptTokens = promptTokens
    measurement.generatedTokens = generateTokens
    measurement.batch = batch
    measurement.repetitions = repetitions
    var report = ScaleReport(
      model: "", format: "", transport: settings.launch.transport.rawValue, promptTokens: promptTokens,
      generatedTokens: generateTokens, rows: [], machine: [], assumptions: [])
    // A mesh that cannot be is said before anything is measured.
    for shape in shapes { try check(settings, shape) }
    let probe = skipsPrediction ? nil : try measureMachine(settings)
    for shape in shapes {
      Terminal.note("measuring \(shape) ...")
      let running = try start(settings, shape)
      defer { running.engine.stop() }
      var row = try measurement.run(running.engine, shape: shape)
      if let probe { row.prediction = try predict(running, probe.machine) }
      report.rows.append(row)
      report.model = running.modelName
      report.format = running.engine.weightFormat
    }
    report.machine = MachineFacts.lines() + (probe?.lines ?? [])
    if probe != nil { report.assumptions = Self.assumptions }
    try write(report, settings)
    if let different = report.rows.first(where: { !$0.equalsFirst }) {
      throw CommandFailure(
        .failedCheck, "\(different.mesh) gave other tokens than \(report.rows[0].mesh)")
    }
  }

  private func meshList(_ settings: EngineSettings) throws -> [MeshShape] {
    do {
      if let meshes { return try MeshList.parse(meshes) }
      let setup = try RunSetup(settings: settings, modelDirectory: try modelDirectory(of: settings))
      let dense = "tp1; tp2; tp3"
      return try MeshList.parse(!setup.hasExperts ? dense : dense + "; ep2; attn_dp2; tp2,ep2")
    } catch let error as MeshError {
      throw SettingsError("\(error)")
    }
  }

  /// Times the machine with kernels and with a decoder that has next to no weights.
  private func measureMachine(_ settings: EngineSettings) throws -> ScaleProbe {
    Terminal.note("measuring the machine ...")
    let setup = try RunSetup(settings: settings, modelDirectory: try modelDirectory(of: settings))
    return try ScaleProbe(
      format: setup.matrixFormat, transport: settings.launch.transport.rawValue,
      coresPerHost: HostFacts.allowedCPUs.count, layers: EmptyDecoder.layers,
      positions: EmptyDecoder.positions
    ) { shape in
      var configuration = try EmptyDecoder.setup(settings, on: shape).engineConfiguration()
      configuration.cachesPrefixes = false
      configuration.onRankLoss = .fail
      let engine = try MeshEngine(configuration)
      try engine.waitUntilReady()
      return engine
    }
  }

  private func predict(_ running: RunningMesh, _ machine: MachineModel) throws -> LatencySplit {
    var setup = running.setup
    // Replicas without a sequence leave memory and cores to the others.
    if setup.shape.dp > batch {
      let shape = setup.shape
      let busy = try MeshShape(
        dp: batch, attnDP: shape.attnDP, attnDPExpert: shape.attnDPExpert, ep: shape.ep, tp: shape.tp)
      setup = try RunSetup(settings: setup.settings.on(busy), modelDirectory: setup.modelDirectory ?? "")
    }
    let shape = setup.shape
    let time = try setup.plan { options in
      options.machine = machine
      options.machine.threadsPerRank = running.engine.sizes.threadsPerWorker
      options.machine.ranksPerHost = running.engine.ranksPerHost
      let groups = shape.dp * shape.attnDP * shape.attnDPExpert
      options.sequencesPerGroup = max(1, (batch + groups - 1) / groups)
      options.contextLength = promptTokens + generateTokens / 2
    }.stepTime
    var prediction = LatencySplit()
    prediction.compute = time.computeSeconds
    prediction.wait = time.waitSeconds
    prediction.wire = time.wireSeconds
    prediction.serialise = time.serialiseSeconds
    prediction.control = time.controlSeconds
    return prediction
  }

  private static let assumptions = [
    "constants are those of the probe under 'Machine'; no figure of a measured mesh or of the model goes into them",
    "a core reads at the rate of the cache that its ranks' weights fit in, measured with the product kernel",
    "ranks with more threads than cores take turns: whole ones when their work between exchanges is shorter than a "
      + "time slice of 3 ms",
    "routers choose every expert alike; a step waits for the rank whose experts were chosen most",
    "exchanges follow one another and overlap with nothing",
    "where ranks outnumber cores, a rank that waits for a core shows as wire or wait: look at their sum",
  ]

  private func check(_ settings: EngineSettings, _ shape: MeshShape) throws {
    let setup = try RunSetup(settings: settings.on(shape), modelDirectory: try modelDirectory(of: settings))
    _ = try RunSizes(setup.engineConfiguration())
  }

  private func start(_ settings: EngineSettings, _ shape: MeshShape) throws -> RunningMesh {
    try RunningMesh.start(settings.on(shape)) { configuration in
      configuration.cachesPrefixes = false
      configuration.onRankLoss = .fail
      configuration.maxSequences = batch
      configuration.maxBatchedTokens = max(configuration.maxBatchedTokens, batch)
      if configuration.maxModelLength == 0 {
        configuration.maxModelLength = promptTokens + generateTokens + 2
      }
    }
  }

  private func write(_ report: ScaleReport, _ settings: EngineSettings) throws {
    if let page {
      do {
        try report.html.write(toFile: page, atomically: true, encoding: .utf8)
      } catch {
        throw CommandFailure(
          .failedWhileRunning, "--html \(page) cannot be written; give a file in a writable directory")
      }
    }
    switch settings.output.format {
    case .json: try Terminal.writeDocument(report.json)
    case .text: try Terminal.write(report.text + "\n")
    }
  }
}

extension EngineSettings {
  /// The same run on another mesh.
  func on(_ shape: MeshShape) -> EngineSettings {
    var settings = self
    settings.mesh.dataParallelSize = shape.dp
    settings.mesh.attnDPSize = shape.attnDP
    settings.mesh.attnDPExpertSize = shape.attnDPExpert
    settings.mesh.expertParallelSize = shape.ep
    settings.mesh.tensorParallelSize = shape.tp
    return settings
  }
}
