/// Everything a user can set, as plain values: one struct per group, defaults as in `configs/base.yaml`.
///
/// The catalogue (`SettingsCatalogue`) holds the name, bounds and reason of each; engine code and tests use
/// this struct alone and know nothing of flags or files.
package struct EngineSettings: Sendable, Equatable {
  package var model = ModelSettings()
  package var mesh = MeshSettings()
  package var scheduler = SchedulerSettings()
  package var sampling = SamplingSettings()
  package var launch = LaunchSettings()
  package var output = OutputSettings()

  package init() {}
}

/// Which weights to run and how to hold them.
package struct ModelSettings: Sendable, Equatable {
  /// Directory of a Hugging Face checkpoint; empty means the bundled model.
  package var directory = ""
  package var loadFormat = LoadFormat.auto
  package var dtype = WeightDType.auto
  package var quantization = QuantizationChoice.none
  /// JSON object laid over `config.json`; empty means none.
  package var hfOverrides = ""
  /// Seed of dummy weights.
  package var seed = 0

  package init() {}
}

/// Degrees of the mesh, in rank order of the axes (the last varies fastest).
package struct MeshSettings: Sendable, Equatable {
  package var dataParallelSize = 1
  package var attnDPSize = 1
  package var attnDPExpertSize = 1
  package var expertParallelSize = 1
  package var tensorParallelSize = 1
  /// `even`, `measured`, or one weight for each rank, separated by commas.
  package var balance = "even"
  /// JSON object in vLLM's form (`sharding`, `maxtext_config`), verbatim; empty means none.
  package var additionalConfig = ""

  package init() {}
}

/// Limits of the scheduler and of the paged KV cache.
package struct SchedulerSettings: Sendable, Equatable {
  /// Tokens of prompt and answer together; 0 means what the model's config allows.
  package var maxModelLen = 0
  package var maxNumSeqs = 64
  package var maxNumBatchedTokens = 512
  /// Tokens of one sequence in one prefill chunk; 0 means up to `maxNumBatchedTokens`.
  package var longPrefillTokenThreshold = 0
  /// Tokens in one KV page.
  package var blockSize = 16
  /// Bytes of KV cache on each rank; 0 means enough for `maxNumSeqs` sequences, at most 1 GiB.
  package var kvCacheMemoryBytes = 0
  package var kvCacheDType = KVCacheDType.auto
  package var enablePrefixCaching = true
  /// Sequences that wait; a request beyond is refused.
  package var maxQueuedRequests = 4096
  /// 0 means none.
  package var requestTimeoutSeconds = 0.0

  package init() {}
}

/// How a token is chosen, and when a sequence ends.
package struct SamplingSettings: Sendable, Equatable {
  package var maxTokens = 64
  package var minTokens = 0
  package var temperature = 0.0
  package var topP = 1.0
  /// 0 means every token.
  package var topK = 0
  package var minP = 0.0
  package var repetitionPenalty = 1.0
  package var presencePenalty = 0.0
  package var frequencyPenalty = 0.0
  package var stop: [String] = []
  package var stopTokenIDs: [Int] = []
  package var ignoreEOS = false
  /// Alternatives reported beside each chosen token; nil means no log-probabilities at all.
  package var logprobs: Int?
  package var n = 1
  /// Seed of the first request; nil means drawn from the system.
  package var seed: Int?

  package init() {}
}

/// How worker processes are started and reached.
package struct LaunchSettings: Sendable, Equatable {
  /// Compute threads of each worker; 0 means the cores of this host divided by its workers, at least 1.
  package var threadsPerWorker = 0
  package var transport = TransportChoice.auto
  package var instructionSet = InstructionSetChoice.auto
  package var numerics = NumericsChoice.strict
  package var expertDispatch = ExpertDispatchChoice.auto
  /// Where the private run directory is made; empty means `$XDG_RUNTIME_DIR`, else `$TMPDIR`, else `/tmp`.
  package var runDirectory = ""
  package var startupTimeoutSeconds = 600.0
  package var distributedTimeoutSeconds = 30.0
  package var pulseMilliseconds = 500
  /// Ranks of an attention group compare checksums of their activations after each step.
  package var compareDigests = false
  package var onRankLoss = RankLossChoice.respawn
  /// Processes that wait to take a lost rank's place.
  package var spares = 0
  /// After SIGTERM, time for what runs to end; 0 stops at once.
  package var drainTimeoutSeconds = 0.0
  /// Most losses of one rank within a minute that are answered by a replacement.
  package var maxRankRestarts = 5
  /// Plain TCP, readable and open to anyone.
  package var insecure = false
  package var launcher = LauncherChoice.local
  /// File of the hosts for `ssh`.
  package var hostfile = ""
  package var sshCommand = "ssh"
  /// `HOST` or `HOST:PORT` at which workers on other hosts find the coordinator; empty finds one out.
  package var coordinatorAddress = ""
  /// What workers that are started apart need to join.
  package var joinSecretFile = ""
  /// What the links between ranks are like; empty leaves them as they are.
  package var linkConditions = ""

  package init() {}
}

/// What is printed and where.
package struct OutputSettings: Sendable, Equatable {
  package var format = OutputFormat.text
  package var logLevel = LogLevel.warning

  package init() {}
}

/// Where weights come from.
package enum LoadFormat: String, Sendable, CaseIterable {
  case auto, safetensors, dummy
}

/// The type in which weights are held in memory; `auto` keeps the checkpoint's.
package enum WeightDType: String, Sendable, CaseIterable {
  case auto, bfloat16, float32
}

/// Whether attention and MLP matrices are rounded while loading, and to what; `bf16` is `--dtype bfloat16`.
package enum QuantizationChoice: String, Sendable, CaseIterable {
  case none, bf16, q8, q4
}

/// The type of keys and values in the cache; `auto` is bfloat16.
package enum KVCacheDType: String, Sendable, CaseIterable {
  case auto
  case bfloat16 = "bf16"
  case float32 = "f32"
  case q8
}

/// How frames travel between ranks; `auto` is `ipc` inside a host.
package enum TransportChoice: String, Sendable, CaseIterable {
  case auto, ipc, tcp, shm
}

/// Who starts the workers, and where.
package enum LauncherChoice: String, Sendable, CaseIterable {
  case local, ssh, slurm, external
}

/// Which build of the kernels runs; `auto` is the widest that the CPU offers.
package enum InstructionSetChoice: String, Sendable, CaseIterable {
  case auto, reference, avx2, avx512
}

/// Whether products with bf16 weights read activations in f32 (strict) or rounded to bf16 (fast).
package enum NumericsChoice: String, Sendable, CaseIterable {
  case strict, fast
}

/// How tokens of a mixture-of-experts layer reach the ranks of their experts; `auto` is the one of fewer
/// bytes.
package enum ExpertDispatchChoice: String, Sendable, CaseIterable {
  case auto
  case allToAll = "all-to-all"
  case allReduce = "all-reduce"
}

/// What happens when a worker process is lost while requests run.
package enum RankLossChoice: String, Sendable, CaseIterable {
  case respawn, spare, shrink, fail
}

/// The shape of what goes to standard output.
package enum OutputFormat: String, Sendable, CaseIterable {
  case text, json
}

/// The least important log line that is still written to standard error.
package enum LogLevel: String, Sendable, CaseIterable {
  case debug, info, warning, error
}
