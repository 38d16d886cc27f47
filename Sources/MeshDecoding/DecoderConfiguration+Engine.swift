internal import Coordination
internal import Engine
internal import Foundation
internal import Parsing
internal import RunSetup
internal import Settings

extension DecoderConfiguration {
  /// What the engine is started from; checks every value as the command line would.
  func setup() throws(DecoderError) -> (setup: RunSetup, engine: EngineConfiguration) {
    do {
      let setup = try runSetup(try settings())
      var engine = try setup.engineConfiguration()
      engine.workerExecutable = try worker()
      engine.scoresRows = keepsAuxiliaryHiddenStates
      if keepsAuxiliaryHiddenStates { engine.limitStepForHiddenStates() }
      engine.handlesSignals = false
      // The caller plans the steps, and only the caller knows what is to be computed again.
      engine.onRankLoss = .fail
      return (setup, engine)
    } catch {
      throw (error as? DecoderError) ?? DecoderError(.configuration, "\(error)")
    }
  }

  private func runSetup(_ settings: EngineSettings) throws -> RunSetup {
    let directory = model.isEmpty ? nil : model
    guard let hfConfig else {
      guard let directory else {
        throw DecoderError(.configuration, "neither model nor hf_config is given; give one of them")
      }
      return try RunSetup(settings: settings, modelDirectory: directory)
    }
    guard directory != nil || loadFormat == .dummy else {
      throw DecoderError(.configuration, "hf_config alone has no weights; give model, or load_format dummy")
    }
    let json: JSONValue
    do {
      json = try JSONReader.parse(hfConfig, limits: JSONLimits(maxDepth: 64, maxBytes: 1 << 20))
    } catch {
      throw DecoderError(.configuration, "hf_config is no JSON: \(error)")
    }
    return try RunSetup(
      settings: settings, configuration: json, named: "hf_config", modelDirectory: directory)
  }

  /// vLLM's names of cache types, as the settings have them.
  private static let shortNames = ["bfloat16": "bf16", "float32": "f32"]

  /// The settings of a command line with these values, which has the bounds of each.
  private func settings() throws -> EngineSettings {
    var settings = EngineSettings()
    var values = [
      ("load_format", loadFormat.rawValue), ("dtype", dtype), ("seed", "\(seed)"),
      ("tensor_parallel_size", "\(tensorParallelSize)"),
      ("expert_parallel_size", "\(expertParallelSize)"), ("attn_dp_size", "\(attentionDataParallelSize)"),
      ("attn_dp_expert_size", "\(attentionDataParallelExpertSize)"), ("max_model_len", "\(maxModelLength)"),
      ("max_num_seqs", "\(maxSequences)"), ("max_num_batched_tokens", "\(maxBatchedTokens)"),
      ("block_size", "\(blockSize)"), ("kv_cache_memory_bytes", "\(cacheBytes)"),
      ("kv_cache_dtype", Self.shortNames[cacheDType] ?? cacheDType),
      ("threads_per_worker", "\(threadsPerWorker)"),
      ("expert_dispatch", expertDispatch),
    ]
    let texts = [
      ("model", model), ("hf_overrides", hfOverrides), ("additional_config", additionalConfig),
      ("run_directory", runDirectory),
    ]
    values += texts.filter { !$0.1.isEmpty }
    for (key, text) in values {
      guard let setting = SettingsCatalogue.setting(key) else {
        preconditionFailure("the catalogue has no setting \(key)")
      }
      try setting.apply([text], to: &settings)
    }
    let violations = settings.violations()
    guard violations.isEmpty else {
      throw DecoderError(.configuration, violations.joined(separator: " "))
    }
    return settings
  }

  /// The executable of the workers.
  private func worker() throws(DecoderError) -> String {
    let manager = FileManager.default
    if !workerExecutable.isEmpty {
      guard manager.isExecutableFile(atPath: workerExecutable) else {
        throw DecoderError(
          .configuration,
          "worker_executable \(workerExecutable) is no executable file; give the path of meshdecode")
      }
      return workerExecutable
    }
    let own = (try? manager.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = URL(fileURLWithPath: own).deletingLastPathComponent().path
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let places = [beside] + path.split(separator: ":").map(String.init)
    guard
      let found = places.map({ $0 + "/meshdecode" }).first(where: { manager.isExecutableFile(atPath: $0) })
    else {
      throw DecoderError(
        .configuration,
        "the meshdecode executable, which workers are started from, is neither in \(beside) nor in PATH; "
          + "give worker_executable")
    }
    return found
  }
}
