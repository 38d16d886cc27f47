internal import Compute
internal import Foundation
package import ModelConfigs
package import Parsing
package import Planning
package import Settings
package import Tensors
package import Topology

/// What the settings of a command come to: which model, on which mesh.
///
/// `plan`, `generate` and every other command that runs a model share this, so that they agree.
package struct RunSetup: Sendable {
  package let settings: EngineSettings
  /// The checkpoint's directory; nil for a bare configuration file.
  package let modelDirectory: String?
  package let config: ModelConfig
  /// The whole configuration with the overrides applied, as workers read it.
  package let configJSON: JSONValue

  /// Whether the model has routed experts.
  package var hasExperts: Bool { config.moe != nil }
  /// Rows of the embedding.
  package var vocabularySize: Int { config.vocabSize }
  /// The text part of the configuration file, as written.
  package let textConfig: JSONObject
  package let shape: MeshShape
  package let additionalConfig: JSONValue?
  /// How shares are sized.
  package internal(set) var balance: Balance

  /// Reads the configuration of the checkpoint in `directory` and settles the mesh.
  ///
  /// Throws: `SetupError` with one sentence; `isUsage` tells wrong settings from a broken model.
  package init(settings: EngineSettings, modelDirectory directory: String) throws(SetupError) {
    try self.init(settings: settings, configFile: directory + "/config.json", modelDirectory: directory)
  }

  /// As the other one for a configuration file alone; there are no weights to load.
  package init(
    settings: EngineSettings, configFile: String, modelDirectory: String? = nil
  ) throws(SetupError) {
    try self.init(
      settings: settings, configuration: try Self.json(configFile), named: configFile,
      modelDirectory: modelDirectory)
  }

  /// As the other one for a configuration that is known already; `named` is what messages call it.
  package init(
    settings: EngineSettings, configuration json: JSONValue, named configFile: String,
    modelDirectory: String? = nil
  ) throws(SetupError) {
    self.settings = settings
    self.modelDirectory = modelDirectory
    let overrides = try Self.object(settings.model.hfOverrides, flag: "--hf-overrides")
    additionalConfig = try Self.object(settings.mesh.additionalConfig, flag: "--additional-config")
      .map { .object($0) }
    do {
      config = try ModelConfig(json: json, overrides: overrides)
      configJSON = .object(
        try ConfigOverrides.apply(overrides ?? JSONObject(), to: json.object ?? JSONObject()))
      textConfig = try ModelTranslationRequest.textConfig(of: json.object ?? JSONObject())
    } catch {
      // Errors of a configuration begin with the file's bare name; the path says more.
      let problem = "\(error)".replacing("config.json: ", with: "", maxReplacements: 1)
      throw SetupError("\(configFile): \(problem).", isUsage: overrides != nil)
    }
    shape = try Self.shape(settings, config, additionalConfig)
    balance = try Balance(settings.mesh.balance, worldSize: shape.worldSize)
  }

  /// The plan of this run: shards, padding, bytes, exchanges, predicted step.
  ///
  /// `numLanes`: lanes of the padding rule; nil for the f32 lanes of this processor. `adjust` changes what the plan
  /// assumes of machine and load.
  package func plan(
    numLanes: Int? = nil, adjust: (inout MeshPlanOptions) -> Void = { _ in }
  ) throws(SetupError) -> MeshPlan {
    do {
      var options = try planOptions(numLanes: numLanes)
      adjust(&options)
      return try MeshPlan(config: config, textConfig: textConfig, shape: shape, options: options)
    } catch {
      throw SetupError("\(error)", isUsage: true)
    }
  }

  /// The model of this run on a cluster that need not exist.
  ///
  /// `description`: see `ClusterDescription`.
  package func simulate(_ description: String, numLanes: Int? = nil) throws(SetupError) -> ClusterSimulation {
    do {
      return try ClusterSimulation(
        ClusterDescription(description), config: config, textConfig: textConfig,
        options: planOptions(numLanes: numLanes))
    } catch {
      throw SetupError("\(error)", isUsage: true)
    }
  }

  private func planOptions(numLanes: Int?) throws(PlanningError) -> MeshPlanOptions {
    var options = MeshPlanOptions()
    options.weightFormat = weightFormat
    options.quantization = quantization
    options.kvFormat = kvFormat
    options.numLanes =
      numLanes ?? (InstructionSet.best == .avx512 ? 16 : InstructionSet.best == .avx2 ? 8 : 4)
    options.loadFormat = settings.model.loadFormat.rawValue
    options.expertDispatch = ExpertDispatchChoice(rawValue: settings.launch.expertDispatch.rawValue) ?? .auto
    options.machine.coresPerHost = ProcessInfo.processInfo.activeProcessorCount
    guard case .weights(let weights) = balance else {
      throw PlanningError(
        "--balance measured needs running workers, which a plan has none of; give a weight for each rank, as "
          + "generate --balance measured notes them.")
    }
    options.balance = weights
    try options.takeOverrides(additionalConfig: additionalConfig)
    return options
  }

  /// What matrices are rounded to while loading.
  var quantization: Quantization {
    switch settings.model.quantization {
    case .none, .bf16: settings.launch.numerics == .fast ? .bf16Dots : .none
    case .q8: .q8
    case .q4: .q4
    }
  }

  /// How keys and values are cached.
  var kvFormat: KVFormat {
    switch settings.scheduler.kvCacheDType {
    case .auto, .bfloat16: .bf16
    case .float32: .f32
    case .q8: .q8
    }
  }

  /// How matrices are stored in memory.
  package var matrixFormat: WeightFormat { quantization.matrices(weightFormat) }

  private var weightFormat: WeightFormat {
    if settings.model.quantization == .bf16 { return .bf16 }
    return plainFormat
  }

  private var plainFormat: WeightFormat {
    switch settings.model.dtype {
    case .bfloat16: .bf16
    case .float32: .f32
    case .auto: config.storedDType.map { WeightFormat(keeping: $0) } ?? .bf16
    }
  }

  /// The mesh: vLLM's sharding strategy when there is one, otherwise the degrees.
  private static func shape(
    _ settings: EngineSettings, _ config: ModelConfig, _ additionalConfig: JSONValue?
  ) throws(SetupError) -> MeshShape {
    let mesh = settings.mesh
    do {
      guard let additionalConfig, additionalConfig["sharding"] != nil else {
        return try MeshShape(
          dp: mesh.dataParallelSize, attnDP: mesh.attnDPSize, attnDPExpert: mesh.attnDPExpertSize,
          ep: mesh.expertParallelSize, tp: mesh.tensorParallelSize)
      }
      guard mesh.attnDPSize == 1, mesh.attnDPExpertSize == 1, mesh.expertParallelSize == 1 else {
        throw SetupError(
          "--additional-config has a sharding strategy, which sets ep, attn_dp and attn_dp_expert itself; "
            + "leave out the flags --ep, --attn-dp and --attn-dp-expert.", isUsage: true)
      }
      return try ShardingRequest(
        config: config, additionalConfig: additionalConfig, tensorParallelSize: mesh.tensorParallelSize,
        dataParallelSize: mesh.dataParallelSize, cacheDType: settings.scheduler.kvCacheDType.vLLMName
      ).meshShape()
    } catch let error as SetupError {
      throw error
    } catch {
      throw SetupError("\(error)", isUsage: true)
    }
  }

  private static func object(_ text: String, flag: String) throws(SetupError) -> JSONObject? {
    if text.isEmpty { return nil }
    do throws(ParseError) {
      guard
        let object = try JSONReader.parse(text, limits: JSONLimits(maxDepth: 64, maxBytes: 1 << 20)).object
      else { throw ParseError(message: "it is not an object", byteOffset: 0) }
      return object
    } catch {
      throw SetupError("\(flag) is no JSON object: \(error); quote it as one argument.", isUsage: true)
    }
  }

  private static func json(_ path: String) throws(SetupError) -> JSONValue {
    guard let data = FileManager.default.contents(atPath: path) else {
      let exists = FileManager.default.fileExists(atPath: path)
      throw SetupError(
        exists
          ? "\(path) cannot be read; check its permissions."
          : "\(path) does not exist; give --model the directory of a Hugging Face checkpoint.", isUsage: false
      )
    }
    do {
      return try JSONReader.parse([UInt8](data), limits: JSONLimits(maxDepth: 64, maxBytes: 1 << 24))
    } catch {
      throw SetupError("\(path) is no JSON: \(error).", isUsage: false)
    }
  }
}

/// Why a run cannot be set up: one sentence.
package struct SetupError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String
  /// Wrong settings, as against a model that is broken or missing.
  package let isUsage: Bool

  package init(_ description: String, isUsage: Bool) {
    self.description = description
    self.isUsage = isUsage
  }
}

extension KVCacheDType {
  /// What vLLM calls it.
  fileprivate var vLLMName: String {
    switch self {
    case .auto: "auto"
    case .bfloat16: "bfloat16"
    case .float32: "float32"
    case .q8: "int8"
    }
  }
}
