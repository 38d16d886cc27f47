internal import ArgumentParser
internal import Parsing
internal import Planning
internal import Presentation
internal import RunSetup
internal import Settings

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Shows mesh, shards, padding, bytes, exchanges and a predicted step; starts nothing.",
    discussion: """
      Examples:
        meshdecode plan --tp 2
        meshdecode plan --model DIR --tp 4 --ep 2 --output json
        meshdecode plan --hf-config config.json --additional-config \
      '{"sharding": {"sharding_strategy": {"enable_dp_attention": true, "expert_parallelism": 4}}}'
      """)

  @Option(
    name: .customLong("hf-config"), parsing: .unconditional,
    help: ArgumentHelp("Plans for this config.json alone; no weights are needed.", valueName: "file"))
  var configFile: String?

  @Option(
    name: .customLong("num-lanes"), parsing: .unconditional,
    help: ArgumentHelp(
      "Lanes of the padding rule. (1 to 1024; default: the f32 lanes of this processor)", valueName: "lanes"))
  var numLanes: String?

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    let settings = try resolve(config, [model, mesh, scheduler, output])
    var lanes: Int?
    if let numLanes {
      guard let number = Int(numLanes), (1...1024).contains(number) else {
        throw SettingsError("--num-lanes cannot be '\(numLanes)'; give a number in the range 1 to 1024.")
      }
      lanes = number
    }
    let setup =
      if let configFile {
        try RunSetup(settings: settings, configFile: configFile)
      } else {
        try RunSetup(settings: settings, modelDirectory: try modelDirectory(of: settings))
      }
    let plan = try setup.plan(numLanes: lanes)
    switch settings.output.format {
    case .text: try Terminal.write(plan.page + "\n")
    case .json: try Terminal.write(JSONWriter.string(plan.json, options: .spaced) + "\n")
    }
  }
}

/// The directory of `--model`, or of the bundled model when it was left out.
func modelDirectory(of settings: EngineSettings) throws -> String {
  settings.model.directory.isEmpty ? try BundledModel.directory() : settings.model.directory
}
