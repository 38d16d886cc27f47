internal import Parsing

/// What a decoder is started from, in the words of vLLM's configuration.
///
/// `model` and `hfConfig` say which model; `additionalConfig` is vLLM's object of that name, with `sharding`
/// (the mesh) and `maxtext_config`. All JSON is text here, so that a caller may bring its own JSON library.
public struct DecoderConfiguration: Sendable, Hashable {
  /// How weights come into the workers.
  public enum LoadFormat: String, Sendable, Hashable, CaseIterable {
    /// What the directory holds.
    case auto
    case safetensors
    /// Random weights that depend on `seed` alone; the same on every mesh.
    case dummy
  }

  /// Directory of a Hugging Face checkpoint; may be empty when `hfConfig` is given and weights are dummies.
  public var model = ""
  /// The content of a `config.json`; nil reads the one in `model`.
  public var hfConfig: String?
  /// Changes to the configuration, as a JSON object; empty for none.
  public var hfOverrides = ""
  /// vLLM's additional configuration, as a JSON object; empty for none.
  public var additionalConfig = ""
  public var loadFormat = LoadFormat.auto
  /// `auto`, `bfloat16` or `float32`: what weights are held as.
  public var dtype = "auto"
  /// `auto`, `bfloat16` or `float32`: what keys and values are held as.
  public var cacheDType = "auto"
  /// Makes dummy weights.
  public var seed = 0
  /// Degrees of the mesh. Where `additionalConfig` has a sharding strategy only the first counts, as in vLLM.
  public var tensorParallelSize = 1
  public var expertParallelSize = 1
  public var attentionDataParallelSize = 1
  public var attentionDataParallelExpertSize = 1
  /// Longest sequence; 0 takes the model's.
  public var maxModelLength = 0
  /// Sequences and tokens of one attention group in one step.
  public var maxSequences = 64
  public var maxBatchedTokens = 512
  /// Positions of one block of the KV cache, a multiple of 16.
  public var blockSize = 16
  /// Bytes of KV cache of each rank; 0 chooses.
  public var cacheBytes = 0
  /// Compute threads of each worker; 0 shares out the CPUs.
  public var threadsPerWorker = 0
  /// `auto`, `all-to-all` or `all-reduce`.
  public var expertDispatch = "auto"
  /// Whether steps may ask for auxiliary hidden states: room for the states of all layers is kept then.
  public var keepsAuxiliaryHiddenStates = false
  /// The `meshdecode` executable that workers are started from; empty looks beside this program, then in
  /// `PATH`.
  public var workerExecutable = ""
  /// Where the private directory of the run is made; empty takes the system's place for such.
  public var runDirectory = ""

  public init() {}

  /// Reads a JSON object with vLLM's member names.
  ///
  /// Understood: `model`, `hf_config`, `hf_overrides`, `additional_config`, `load_format`, `dtype`,
  /// `kv_cache_dtype`, `seed`, `tensor_parallel_size`, `data_parallel_size` (only 1: start one decoder for
  /// each replica), `expert_parallel_size`, `attn_dp_size`, `attn_dp_expert_size`, `max_model_len`,
  /// `max_num_seqs`, `max_num_batched_tokens`, `block_size`, `kv_cache_memory_bytes`, `threads_per_worker`,
  /// `expert_dispatch`, `worker_executable`.
  ///
  /// - Throws: `DecoderError` naming the member that is unknown or has the wrong kind.
  public init(vLLM text: String) throws(DecoderError) {
    let json: JSONValue
    do {
      json = try JSONReader.parse(text, limits: JSONLimits(maxDepth: 64, maxBytes: 1 << 20))
    } catch {
      throw DecoderError(.configuration, "the configuration is no JSON: \(error)")
    }
    guard let object = json.object else {
      throw DecoderError(.configuration, "the configuration holds \(json.kindName); it must hold an object")
    }
    for (key, value) in object.members where !value.isNull { try take(key, value) }
  }

  private mutating func take(_ key: String, _ value: JSONValue) throws(DecoderError) {
    switch key {
    case "model": model = try Self.string(key, value)
    case "hf_config": hfConfig = try Self.objectText(key, value)
    case "hf_overrides": hfOverrides = try Self.objectText(key, value)
    case "additional_config": additionalConfig = try Self.objectText(key, value)
    case "load_format":
      let name = try Self.string(key, value)
      guard let format = LoadFormat(rawValue: name) else {
        throw DecoderError(
          .configuration, "load_format cannot be '\(name)'; give auto, safetensors or dummy")
      }
      loadFormat = format
    case "dtype": dtype = try Self.string(key, value)
    case "kv_cache_dtype": cacheDType = try Self.string(key, value)
    case "expert_dispatch": expertDispatch = try Self.string(key, value)
    case "worker_executable": workerExecutable = try Self.string(key, value)
    case "data_parallel_size":
      guard try Self.integer(key, value) == 1 else {
        throw DecoderError(
          .configuration, "data_parallel_size must be 1 here; start one decoder for each replica")
      }
    default: try takeNumber(key, value)
    }
  }

  private mutating func takeNumber(_ key: String, _ value: JSONValue) throws(DecoderError) {
    let places: [String: WritableKeyPath<DecoderConfiguration, Int>] = [
      "seed": \.seed, "tensor_parallel_size": \.tensorParallelSize,
      "expert_parallel_size": \.expertParallelSize, "attn_dp_size": \.attentionDataParallelSize,
      "attn_dp_expert_size": \.attentionDataParallelExpertSize, "max_model_len": \.maxModelLength,
      "max_num_seqs": \.maxSequences, "max_num_batched_tokens": \.maxBatchedTokens,
      "block_size": \.blockSize, "kv_cache_memory_bytes": \.cacheBytes,
      "threads_per_worker": \.threadsPerWorker,
    ]
    guard let place = places[key] else {
      throw DecoderError(.configuration, "the configuration's member '\(key)' is not known; remove it")
    }
    self[keyPath: place] = try Self.integer(key, value)
  }

  private static func string(_ key: String, _ value: JSONValue) throws(DecoderError) -> String {
    guard let string = value.string else {
      throw DecoderError(.configuration, "\(key) is \(value.kindName); it must be a string")
    }
    return string
  }

  private static func integer(_ key: String, _ value: JSONValue) throws(DecoderError) -> Int {
    guard let integer = value.int else {
      throw DecoderError(.configuration, "\(key) is \(value.kindName); it must be a whole number")
    }
    return integer
  }

  private static func objectText(_ key: String, _ value: JSONValue) throws(DecoderError) -> String {
    guard value.object != nil else {
      throw DecoderError(.configuration, "\(key) is \(value.kindName); it must be an object")
    }
    return JSONWriter.string(value)
  }
}
