internal import Checkpoints
internal import Compute
internal import Coordination
package import Engine
internal import Foundation
internal import ModelConfigs
internal import Settings
internal import Tensors
internal import Topology
internal import Transport
package import Wire
internal import WorkerRuntime

extension RunSetup {
  /// What the engine is started from.
  package func engineConfiguration() throws(SetupError) -> EngineConfiguration {
    var configuration = EngineConfiguration(
      modelDirectory: modelDirectory ?? "", config: config, configJSON: configJSON, mesh: shape,
      buildID: BuildInfo.version)
    guard case .weights(let weights) = balance else {
      throw SetupError("--balance measured has to be measured before a mesh is started.", isUsage: false)
    }
    configuration.balance = weights
    configuration.seed = .random(in: .min ... .max)
    try chooseWeights(&configuration)
    configuration.kvFormat = kvFormat
    configuration.maxModelLength = settings.scheduler.maxModelLen
    configuration.maxSequences = settings.scheduler.maxNumSeqs
    configuration.maxBatchedTokens = max(
      settings.scheduler.maxNumBatchedTokens, settings.scheduler.maxNumSeqs)
    configuration.prefillChunk = settings.scheduler.longPrefillTokenThreshold
    configuration.pageSlots = settings.scheduler.blockSize
    configuration.kvCacheBytes = settings.scheduler.kvCacheMemoryBytes
    configuration.cachesPrefixes = settings.scheduler.enablePrefixCaching
    configuration.endOfSequenceTokens = try endOfSequenceTokens()
    configuration.threadsPerWorker = settings.launch.threadsPerWorker
    configuration.instructionSet = try instructionSet()
    configuration.expertDispatch = ExpertDispatchMode(flag: settings.launch.expertDispatch.rawValue) ?? .auto
    configuration.transport = LocalTransport(rawValue: settings.launch.transport.rawValue) ?? .ipc
    configuration.isInsecure = settings.launch.insecure
    configuration.fleet = try fleet()
    configuration.joinSecret = try joinSecret()
    configuration.runDirectoryBase = settings.launch.runDirectory
    configuration.startupTimeout = .seconds(settings.launch.startupTimeoutSeconds)
    configuration.collectiveTimeout = .seconds(settings.launch.distributedTimeoutSeconds)
    configuration.pulsePeriod = .milliseconds(settings.launch.pulseMilliseconds)
    configuration.linkConditions = try linkConditions()
    if settings.launch.compareDigests { configuration.compareDigests() }
    configuration.onRankLoss =
      switch settings.launch.onRankLoss {
      case .respawn: .respawn
      case .spare: .spare
      case .shrink: .shrink
      case .fail: .fail
      }
    configuration.numSpares = settings.launch.spares
    configuration.maxWaiting = settings.scheduler.maxQueuedRequests
    configuration.requestTimeout =
      settings.scheduler.requestTimeoutSeconds > 0 ? .seconds(settings.scheduler.requestTimeoutSeconds) : nil
    configuration.drainTimeout = .seconds(settings.launch.drainTimeoutSeconds)
    configuration.restarts.count = settings.launch.maxRankRestarts
    return configuration
  }

  /// What the user says of the links; nil is nothing.
  private func linkConditions() throws(SetupError) -> LinkConditions? {
    guard !settings.launch.linkConditions.isEmpty else { return nil }
    do throws(LinkConditionsError) {
      return try LinkConditions(settings.launch.linkConditions, worldSize: shape.worldSize)
    } catch {
      throw SetupError("\(error)", isUsage: true)
    }
  }

  private func chooseWeights(_ configuration: inout EngineConfiguration) throws(SetupError) {
    switch settings.model.loadFormat {
    case .dummy: configuration.dummySeed = UInt64(settings.model.seed)
    case .auto, .safetensors:
      do {
        _ = try CheckpointDirectory(path: modelDirectory ?? "").openWeights()
      } catch {
        throw SetupError("\(error)", isUsage: false)
      }
    }
    configuration.quantization = quantization
    switch settings.model.quantization {
    case .none, .q8, .q4: break
    case .bf16:
      guard settings.model.dtype != .float32 else {
        throw SetupError(
          "--quantization bf16 contradicts --dtype float32; leave one of them out.", isUsage: true)
      }
      configuration.weightDType = .bf16
      return
    }
    switch settings.model.dtype {
    case .auto: configuration.weightDType = .stored
    case .bfloat16: configuration.weightDType = .bf16
    case .float32: configuration.weightDType = .f32
    }
  }

  /// Empty for the best one; workers of this host have the same processor.
  private func instructionSet() throws(SetupError) -> String {
    let name = settings.launch.instructionSet.rawValue
    guard settings.launch.instructionSet != .auto else { return "" }
    guard InstructionSet(rawValue: name)?.isAvailable == true else {
      let available = InstructionSet.allCases.filter(\.isAvailable).map(\.rawValue).joined(separator: ", ")
      throw SetupError(
        "--instruction-set \(name) is not available on this processor; choose one of auto, \(available).",
        isUsage: true)
    }
    return name
  }

  /// End-of-sequence ids of generation_config.json when it has some, else of the configuration.
  private func endOfSequenceTokens() throws(SetupError) -> Set<Int32> {
    var ids = config.eosTokenIDs
    if let modelDirectory {
      do {
        let directory = try CheckpointDirectory(path: modelDirectory)
        if let json = directory.generationConfig {
          ids = try GenerationDefaults(json: json).eosTokenIDs(for: config)
        }
      } catch {
        throw SetupError("\(error)", isUsage: false)
      }
    }
    return Set(ids.compactMap { Int32(exactly: $0) })
  }

  /// The sampling flags as requests carry them.
  package func samplingParameters() throws(SetupError) -> SamplingParameters {
    let given = settings.sampling
    var parameters = SamplingParameters()
    parameters.maxTokens = given.maxTokens
    parameters.minTokens = given.minTokens
    parameters.temperature = Float(given.temperature)
    parameters.topP = Float(given.topP)
    parameters.topK = given.topK
    parameters.minP = Float(given.minP)
    parameters.repetitionPenalty = Float(given.repetitionPenalty)
    parameters.presencePenalty = Float(given.presencePenalty)
    parameters.frequencyPenalty = Float(given.frequencyPenalty)
    parameters.seed = given.seed.map { UInt64(bitPattern: Int64($0)) }
    parameters.stop = given.stop
    parameters.stopTokenIDs = given.stopTokenIDs.map { TokenID(rawValue: Int32(clamping: $0)) }
    parameters.ignoreEOS = given.ignoreEOS
    parameters.logprobs = given.logprobs
    parameters.n = given.n
    if let problem = parameters.problems(vocabularySize: config.vocabSize).first {
      throw SetupError(problem, isUsage: true)
    }
    return parameters
  }
}
