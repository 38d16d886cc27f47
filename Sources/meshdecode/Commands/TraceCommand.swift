internal import ArgumentParser
internal import Coordination
internal import Engine
internal import Foundation
internal import Parsing
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology
internal import Wire
internal import WorkerRuntime
internal import Workloads

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Records who sends what to whom in each step, and holds the bytes against the formulas.",
    discussion: """
      Random prompts run on a mesh whose links count every message. The text shows the last step in which every \
      attention group has rows; JSON has all steps; --svg draws one layer of that step. The exit code is 3 when \
      counted bytes and formulas differ.

      Examples:
        meshdecode trace --tp 2 --ep 2 --attn-dp 2
        meshdecode trace --ep 2 --attn-dp 2 --expert-dispatch all-reduce --output json
        meshdecode trace --tp 2 --ep 2 --attn-dp 2 --svg step.svg
      """)

  @Option(name: [.customShort("p"), .customLong("prompt-tokens")], help: "Tokens of each prompt.")
  var promptTokens = 8

  @Option(name: [.customShort("n"), .customLong("generate-tokens")], help: "Tokens to generate for each.")
  var generateTokens = 4

  @Option(name: .customLong("batch"), help: "Prompts at once; 0 gives one to each attention group.")
  var batch = 0

  @Option(
    name: .customLong("svg"), parsing: .unconditional,
    help: ArgumentHelp("Draws a layer of the shown step into this file.", valueName: "file"))
  var picture: String?

  @Option(
    name: .customLong("layer"), parsing: .unconditional,
    help: ArgumentHelp(
      "Layer to show message by message; default: the first with experts.", valueName: "index"))
  var layer: String?

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    try require([
      ("-p", promptTokens, 1...4096), ("-n", generateTokens, 1...4096), ("--batch", batch, 0...1024),
    ])
    let settings = try resolve(config, [model, mesh, scheduler, launch, output])
    guard !settings.launch.compareDigests else {
      throw SettingsError(
        "The formulas of trace are those of a run without digests; leave --compare-digests out.")
    }
    let running = try RunningMesh.start(settings) { configuration in
      configuration.observations = [.exchanges, .expertLoad]
      // A step that is computed again would be counted twice, and a lost rank's records are lost.
      configuration.onRankLoss = .fail
      configuration.cachesPrefixes = false
    }
    defer { running.engine.stop() }
    let shards = running.engine.shards
    let shown = try layerToShow(shards)
    var run = TrafficRun(engine: running.engine)
    run.promptTokens = promptTokens
    run.generatedTokens = generateTokens
    run.batch = batch > 0 ? batch : shards.mesh.shape.dp * shards.mesh.tokenOwners
    let steps = try run.run()
    let load = ExpertLoad(running.engine.expertLoad, plan: shards)
    running.engine.stop()
    guard let step = steps.last(where: \.isFull) ?? steps.last else {
      throw CommandFailure(.failedWhileRunning, "no step was recorded")
    }
    if let picture { try draw(step, layer: shown, shards: shards, model: running.modelName, to: picture) }
    switch settings.output.format {
    case .json:
      let document = TrafficReport.json(
        model: running.modelName, mesh: shards.mesh.shape, steps: steps, load: load)
      try Terminal.writeDocument(document)
    case .text: try Terminal.write(page(step, layer: shown, steps: steps, load: load, running))
    }
    if let different = steps.first(where: { !$0.equalsFormula }) {
      throw CommandFailure(
        .failedCheck,
        "\(different.step) moved \(different.bytes) bytes where the formulas say \(different.formulaBytes)")
    }
  }

  /// The layer that was asked for, else the first with experts, else the first.
  private func layerToShow(_ shards: ShardPlan) throws -> Int {
    let layers = shards.model.layers
    if let layer { return try integer("--layer", layer, 0...layers.count - 1) }
    return layers.firstIndex { if case .experts = $0.feedForward { true } else { false } } ?? 0
  }

  private func draw(
    _ step: RecordedStep, layer: Int, shards: ShardPlan, model: String, to path: String
  ) throws {
    let ranks = shards.mesh.replicaGroup(of: 0).size
    guard ranks <= TrafficPicture.maximumRanks else {
      throw CommandFailure(
        .wrongUsage, "--svg draws at most \(TrafficPicture.maximumRanks) ranks, but a replica has \(ranks)")
    }
    let title = "One decode step of \(model) on \(shards.mesh.shape)"
    let svg = TrafficPicture(step, layer: layer, plan: shards, title: title).svg
    do {
      try svg.write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw CommandFailure(
        .failedWhileRunning, "--svg \(path) cannot be written; give a file in a writable directory")
    }
  }

  private func page(
    _ step: RecordedStep, layer: Int, steps: [RecordedStep], load: ExpertLoad, _ running: RunningMesh
  ) -> String {
    let equal = steps.count(where: \.equalsFormula)
    var lines = [
      "\(running.modelName) on \(running.setup.shape): \(equal) of \(steps.count) steps moved exactly the bytes of"
        + " the formulas.", "",
      "\(step.step), rows by attention group: \(step.rows.map(String.init).joined(separator: ", "))", "",
    ]
    lines += operations(step).lines
    lines += ["", "Layer \(layer), message by message:", ""]
    lines += messages(step, layer: layer).lines
    if !load.layers.isEmpty {
      lines += ["", "Rows per expert, over all steps:", ""]
      lines += loads(load).lines
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func operations(_ step: RecordedStep) -> Presentation.Table {
    var table = Presentation.Table([
      ("layer", .right), ("operation", .left), ("messages", .right), ("bytes counted", .right),
      ("bytes by formula", .right),
    ])
    for operation in step.operations {
      table.add([
        operation.layer.map(String.init) ?? "", operation.operation.name, "\(operation.messages.count)",
        "\(operation.bytes)", "\(operation.formulaBytes)",
      ])
    }
    table.add([
      "", "all", "\(step.operations.reduce(0) { $0 + $1.messages.count })", "\(step.bytes)",
      "\(step.formulaBytes)",
    ])
    return table
  }

  private func messages(_ step: RecordedStep, layer: Int) -> Presentation.Table {
    var table = Presentation.Table([("operation", .left), ("from rank", .right), ("to ranks: bytes", .left)])
    for operation in step.operations where operation.layer == layer {
      let senders = Dictionary(grouping: operation.messages, by: \.sender)
      for sender in senders.keys.sorted() {
        let targets = (senders[sender] ?? []).map { "\($0.receiver): \($0.bytes)" }.joined(separator: ", ")
        table.add([operation.operation.name, "\(sender)", targets])
      }
    }
    return table
  }

  private func loads(_ load: ExpertLoad) -> Presentation.Table {
    var table = Presentation.Table([
      ("layer", .right), ("rows of each expert", .left), ("busiest over average", .right),
    ])
    for layer in load.layers {
      table.add([
        "\(layer.layer)", layer.rows.map(String.init).joined(separator: " "),
        Numbers.decimal(layer.imbalance, digits: 2),
      ])
    }
    return table
  }
}
