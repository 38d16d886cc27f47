internal import Engine
internal import Foundation
internal import Presentation
internal import RunSetup
internal import Settings
internal import Tokenization

/// A mesh that a command has started: engine, tokenizer and how long loading took.
struct RunningMesh {
  let engine: MeshEngine
  let setup: RunSetup
  let tokenizer: Tokenizer?
  let loadSeconds: Double

  /// Starts the mesh of `settings` and waits until all ranks have loaded, with a progress bar on a terminal.
  static func start(
    _ settings: EngineSettings, adjust: (inout EngineConfiguration) throws -> Void = { _ in }
  ) throws -> RunningMesh {
    let started = ContinuousClock.now
    let directory = try modelDirectory(of: settings)
    var setup = try RunSetup(settings: settings, modelDirectory: directory)
    // Sampling is checked here, before any process starts.
    _ = try setup.samplingParameters()
    if setup.balance == .measured {
      let rates = try setup.measureBalance()
      let each = rates.map { Numbers.threeDigits($0 / 1e9) }.joined(separator: ", ")
      let shares =
        setup.balance == .weights([])
        ? "too alike for uneven shares" : "the same as --balance \(setup.balance.text)"
      Terminal.note("note: --balance measured: ranks read \(each) GB/s: \(shares)")
    }
    var configuration = try setup.engineConfiguration()
    configuration.log = RunLog(settings)
    try adjust(&configuration)
    let tokenizer = try BundledModel.tokenizer(of: settings)
    if let seed = configuration.dummySeed {
      Terminal.note("note: dummy weights: random values from seed \(seed), not the model's")
    }
    if configuration.usesTCP && configuration.isInsecure {
      Terminal.note(
        "warning: --insecure: connections are not encrypted, and anyone who reaches the ports can join; "
          + "only for networks that you trust")
    }
    let engine = try MeshEngine(configuration)
    let progress = Progress("Loading")
    try engine.waitUntilReady { event in
      if case .loading(let done, let total) = event { progress.report(done: Int(done), total: Int(total)) }
    }
    progress.finish()
    return RunningMesh(
      engine: engine, setup: setup, tokenizer: tokenizer,
      loadSeconds: (ContinuousClock.now - started) / .seconds(1))
  }

  /// The model's name in reports: the last part of its directory.
  var modelName: String { Self.modelName(setup) }

  static func modelName(_ setup: RunSetup) -> String {
    URL(fileURLWithPath: setup.modelDirectory ?? "model").lastPathComponent
  }
}
