internal import ArgumentParser
internal import Engine
internal import Foundation
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology
internal import Workloads

struct LogitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits",
    abstract: "Writes last-position logits to a safetensors file, for comparison with other runtimes.",
    discussion: """
      Tensors: logits.<i> [vocab]; hidden.<i>.<j> [tokens, hidden], j = 0 the embedding, then after each layer, \
      the last after the final norm; router.<i>.<layer>.experts [tokens, k] and .weights [tokens, k].

      Example:
        meshdecode logits --prompts-file prompts.jsonl --save-to logits.safetensors --tp 2 --hidden-states
      """)

  @OptionGroup(title: "Prompt") var prompts: PromptOptions

  @Option(
    name: .customLong("save-to"), parsing: .unconditional,
    help: ArgumentHelp("The file to write; replaced as a whole at the end.", valueName: "file"))
  var target: String

  @Flag(name: .customLong("hidden-states"), help: "Also writes the hidden states of every layer.")
  var hiddenStates = false

  @Flag(name: .customLong("routing"), help: "Also writes experts and weights of every routed layer.")
  var routing = false

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions

  func run() throws {
    let settings = try resolve(config, [model, mesh, scheduler, launch])
    let inputs = try prompts.read(PromptReader(tokenizer: try BundledModel.tokenizer(of: settings)))
    let directory = URL(fileURLWithPath: target).deletingLastPathComponent().path
    let isDirectory = (try? FileManager.default.contentsOfDirectory(atPath: target)) != nil
    guard FileManager.default.isWritableFile(atPath: directory), !isDirectory else {
      throw CommandFailure(
        .failedWhileRunning, "--save-to \(target) cannot be written; give a file in a writable directory")
    }
    let running = try RunningMesh.start(settings) { configuration in
      configuration.scoresRows = hiddenStates
      if hiddenStates { configuration.limitStepForHiddenStates() }
    }
    defer { running.engine.stop() }
    let progress = Progress("Prompts")
    let tensors = try LogitsRun(engine: running.engine, hiddenStates: hiddenStates, routing: routing)
      .run(inputs) { progress.report(done: $0, total: inputs.count) }
    progress.finish()
    running.engine.stop()
    do {
      try SafetensorsFile.write(tensors, to: target)
    } catch {
      throw CommandFailure(
        .failedWhileRunning,
        "\(target) cannot be written; give a file in a writable directory with room for it")
    }
    Terminal.note("\(tensors.count) tensors of \(inputs.count) prompts in \(target)")
  }
}
