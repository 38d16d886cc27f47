internal import ArgumentParser
internal import Engine
internal import Parsing
internal import Presentation
internal import RunSetup
internal import Settings
internal import Tokenization
internal import Topology
internal import Wire
internal import Workloads

struct PerplexityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity",
    abstract: "Measures how well the model predicts a text, over non-overlapping windows.",
    discussion: """
      Each window is computed alone from position 0; all positions but the first are scored; a last partial \
      window is left out. Lower is better.

      Example:
        meshdecode perplexity --file heldout.txt --window 256 --tp 2
      """)

  @Option(
    name: .customLong("file"), parsing: .unconditional,
    help: ArgumentHelp("The text, UTF-8, read as it is.", valueName: "file"))
  var file: String

  @Option(
    name: .customLong("window"), parsing: .unconditional,
    help: ArgumentHelp("Tokens of a window. (2 to --max-model-len; default: 256)", valueName: "tokens"))
  var window = 256

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    let settings = try resolve(config, [model, mesh, scheduler, launch, output])
    guard window >= 2 else {
      throw SettingsError("--window cannot be \(window); give 2 up to --max-model-len.")
    }
    guard let tokenizer = try BundledModel.tokenizer(of: settings) else {
      throw CommandFailure(
        .failedWhileRunning, "the model directory has no tokenizer.json, which perplexity needs")
    }
    let ids = try tokenizer.encode(try PromptOptions.bytes(of: file), addSpecialTokens: false)
    let running = try RunningMesh.start(settings) { $0.scoresRows = true }
    defer { running.engine.stop() }
    let progress = Progress("Windows")
    let outcome = try PerplexityRun(engine: running.engine, window: window)
      .run(ids.map { TokenID(rawValue: $0) }) { progress.report(done: $0, total: $1) }
    progress.finish()
    running.engine.stop()
    switch settings.output.format {
    case .json:
      let document: JSONValue = [
        "perplexity": .number(outcome.perplexity), "tokens": .integer(Int64(outcome.tokens)),
        "windows": .integer(Int64(outcome.windows)),
      ]
      try Terminal.writeDocument(document)
    case .text:
      try Terminal.write(
        "perplexity \(Numbers.decimal(outcome.perplexity, digits: 4)) over \(outcome.tokens) tokens in "
          + "\(outcome.windows) windows of \(window)\n")
    }
  }
}
