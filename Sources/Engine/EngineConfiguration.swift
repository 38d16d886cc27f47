package import Coordination
package import ModelConfigs
package import Parsing
package import Tensors
package import Topology
package import Transport
package import Wire
package import WorkerRuntime

/// Everything that a mesh of workers is started from: model, mesh, sizes and the way to reach each other.
package struct EngineConfiguration: Sendable {
  /// Checkpoint directory; empty when only a configuration is known and weights are dummies.
  package var modelDirectory: String
  package var config: ModelConfig
  /// The configuration with overrides applied, as the workers will read it.
  package var configJSON: JSONValue
  /// Seed of dummy weights; nil loads the checkpoint.
  package var dummySeed: UInt64?
  package var weightDType: WeightDTypeChoice = .stored
  package var quantization = Quantization.none
  package var mesh: MeshShape
  /// Weight of each rank's share; empty: all alike.
  package var balance: [Double] = []
  package var kvFormat = KVFormat.bf16
  /// Longest sequence; 0 takes the model's, at most `EngineConfiguration.defaultLengthLimit`.
  package var maxModelLength = 0
  package var maxSequences = 64
  package var maxBatchedTokens = 512
  /// Prompt tokens of one sequence in one step; 0 = no limit of its own.
  package var prefillChunk = 0
  package var pageSlots = 16
  /// Bytes of KV cache per rank; 0 chooses.
  package var kvCacheBytes = 0
  package var cachesPrefixes = true
  /// Whether requests may ask for scores, hidden states or routing of every row.
  package var scoresRows = false
  package var endOfSequenceTokens: Set<Int32> = []
  /// Makes the draws of requests that bring no seed of their own.
  package var seed: UInt64 = 0
  /// Threads of each worker; 0 divides the CPUs among the ranks.
  package var threadsPerWorker = 0
  package var instructionSet = ""
  package var transport = LocalTransport.ipc
  /// Ranks on other hosts; nil runs all on this one.
  package var fleet: Fleet?
  /// Plain TCP, by explicit wish.
  package var isInsecure = false
  /// Lets in workers that were started apart; nil gives each rank that is started here a key of its own.
  package var joinSecret: JoinSecret?
  package var expertDispatch = ExpertDispatchMode.auto
  /// What is recorded beside the results.
  package var observations: RunObservations = []
  /// Where the private run directory is made; empty takes the default.
  package var runDirectoryBase = ""
  /// The executable that is started as worker; empty takes this one.
  package var workerExecutable = ""
  package var buildID: String
  /// Whether SIGINT, SIGTERM and SIGHUP end the run in order; false leaves signals to the caller's process.
  package var handlesSignals = true
  package var startupTimeout: Duration = .seconds(600)
  package var collectiveTimeout: Duration = .seconds(30)
  /// A worker that is silent for two of them is hung.
  package var pulsePeriod: Duration = .milliseconds(500)
  /// What the links between ranks are like; nil leaves them as they are, and nothing stands in their way.
  package var linkConditions: LinkConditions?
  /// Whether workers tell where their weights lie, for drills that break them from outside.
  package var tellsAddresses = false
  package var onRankLoss = RankLossPolicy.respawn
  package var restarts = RestartLimits()
  /// Processes that wait for a rank to be lost, with `RankLossPolicy.spare`.
  package var numSpares = 0
  /// Sequences that wait; a request beyond is refused.
  package var maxWaiting = 4096
  /// After which a request ends with what it has; nil: never.
  package var requestTimeout: Duration?
  /// After SIGTERM, time for what runs to end.
  package var drainTimeout = Duration.zero
  /// Later than any epoch of a former coordinator whose workers may still be about.
  package var firstEpoch = Epoch(rawValue: 1)

  /// Gets a line when something happens to the ranks; nil tells nobody.
  package var log: RunLog?

  /// Longest default sequence of models that allow far more than a CPU can serve in reasonable time.
  package static let defaultLengthLimit = 32_768

  package init(
    modelDirectory: String, config: ModelConfig, configJSON: JSONValue, mesh: MeshShape, buildID: String
  ) {
    self.modelDirectory = modelDirectory
    self.config = config
    self.configJSON = configJSON
    self.mesh = mesh
    self.buildID = buildID
  }

  /// Whether anything leaves the file system of this host.
  package var usesTCP: Bool { fleet != nil || transport == .tcp }

  /// Ranks of an attention group compare checksums of their activations after each step.
  package mutating func compareDigests() { observations.insert(.digests) }

  /// Keeps one step's hidden states of all layers within a control message.
  package mutating func limitStepForHiddenStates() {
    let bytesPerToken = (config.numLayers + 2) * config.hiddenSize * 4
    maxBatchedTokens = max(1, min(maxBatchedTokens, (32 << 20) / bytesPerToken))
    maxSequences = min(maxSequences, maxBatchedTokens)
  }
}

/// How ranks of one host talk to each other.
package enum LocalTransport: String, Sendable, CaseIterable {
  /// Sockets in the private run directory.
  case ipc
  /// Loopback TCP on free ports.
  case tcp
  /// Shared memory for the data plane; the control plane as with `ipc`.
  case shm
}

/// The run could not start, failed, or was interrupted.
package struct EngineError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable, Equatable {
    /// The configuration cannot be run: exit code 2.
    case configuration
    /// It failed while running: exit code 1.
    case failure
    /// The user asked to stop: exit code 128 + signal.
    case interrupted(signal: Int32)
  }

  package var kind: Kind
  package var description: String
  /// What the lost rank wrote last to its error output.
  package var lastLines: [String]

  package init(_ kind: Kind, _ description: String, lastLines: [String] = []) {
    self.kind = kind
    self.description = description
    self.lastLines = lastLines
  }
}
