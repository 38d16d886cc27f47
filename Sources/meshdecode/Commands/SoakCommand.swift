internal import ArgumentParser
internal import Engine
internal import FaultDrills
internal import Foundation
internal import Parsing
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology
internal import Wire
internal import Workloads

struct SoakCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak",
    abstract: "Generated load with random faults for a given time; reports leaks and wrong tokens.",
    discussion: """
      One mesh serves round after round of the same requests while its ranks are killed, crashed, stopped and paused. \
      After each round every token is compared with the first, calm round, and pages, memory, descriptors, threads \
      and files are looked at. The exit code is 3 when anything is wrong. --seed gives the faults.

      Examples:
        meshdecode soak --for 60 --tp 2
        meshdecode soak --for 3600 --tp 2 --ep 2 --on-rank-loss spare --spares 1 --output json
      """)

  @Option(name: .customLong("for"), help: ArgumentHelp("How long. (1 to 604800)", valueName: "seconds"))
  var seconds = 60

  @Option(name: .customLong("requests"), help: "Requests of a round. (1 to 256)")
  var requests = 8

  @Option(name: .customLong("most-faults"), help: "Faults of a round: none to so many. (0 to 100)")
  var mostFaults = 2

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    let settings = DrillWorkload.settings(
      try resolve(config, [model, mesh, scheduler, sampling, launch, output]))
    guard (1...604_800).contains(seconds) else {
      throw SettingsError("--for is \(seconds); give 1 to 604800.")
    }
    guard (1...256).contains(requests) else {
      throw SettingsError("--requests is \(requests); give 1 to 256.")
    }
    guard (0...100).contains(mostFaults) else {
      throw SettingsError("--most-faults is \(mostFaults); give 0 to 100.")
    }
    guard settings.launch.onRankLoss != .fail, settings.launch.onRankLoss != .shrink else {
      throw SettingsError("A soak needs ranks that come back; give --on-rank-loss respawn or spare.")
    }
    let setup = try RunSetup(settings: settings, modelDirectory: try modelDirectory(of: settings))
    let prompts = DrillWorkload.prompts(requests, vocabularySize: setup.vocabularySize)
    var engine = try setup.engineConfiguration()
    engine.log = RunLog(settings, expectsLosses: true)
    // A place of its own, so that every file in it is this run's.
    let base = FileManager.default.temporaryDirectory.appendingPathComponent(
      "soak-\(UInt32.random(in: .min ... .max))"
    ).path
    try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: base) }
    engine.runDirectoryBase = base
    let soak = Soak(
      prompts: prompts, sampling: try setup.samplingParameters(), seed: UInt64(clamping: settings.model.seed),
      mostFaults: mostFaults)
    let progress = Progress("Soaking")
    var report = try soak.run(engine, for: .seconds(seconds), directory: base) { time, _ in
      progress.report(done: min(Int(time / .seconds(1)), seconds), total: seconds)
    }
    progress.finish()
    let left = try FileManager.default.subpathsOfDirectory(atPath: base)
    if !left.isEmpty { report.violations.append("\(left.count) files were left behind: \(left.prefix(3))") }
    if settings.output.format == .json {
      let document = report.json(mesh: GenerationReport.mesh(setup.shape))
      try Terminal.writeDocument(document)
    } else {
      try Terminal.write(report.text(mesh: "\(setup.shape)"))
    }
    if !report.passed { throw CommandFailure(.failedCheck, "the soak of seed \(report.seed) found trouble") }
  }
}
