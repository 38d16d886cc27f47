package import Parsing

/// What decides the degrees of a mesh in vLLM's form: parallel sizes, the sharding strategy of the additional
/// configuration, facts of the model, and flags that are environment variables in the original.
package struct ShardingRequest: Sendable, Hashable {
  package var tensorParallelSize = 1
  package var dataParallelSize = 1
  package var decodeContextParallelSize = 1
  package var prefillContextParallelSize = 1

  package var usesLatentAttention = false
  /// The type of the model's activations, taken for the cache when `cacheDType` is "auto".
  package var dtype = "bfloat16"
  package var cacheDType = "auto"
  /// Nil when unknown: an error only where the number matters.
  package var numKVHeads: Int?
  package var headDim: Int?
  package var usesLoRA = false

  package var flags = Flags()
  package var strategy = Strategy()

  package struct Flags: Sendable, Hashable {
    /// `NEW_MODEL_DESIGN`: without it there are no attention-parallel axes.
    package var newModelDesign = false
    /// `TPU_MULTIPROCESS_DP`: replicas are separate engines, so that this one has none.
    package var multiprocessDataParallel = false
    /// `USE_BATCHED_RPA_KERNEL` together with `USE_BATCHED_RPA_SEQ_ON_LANE`: the cache is not packed by
    /// heads.
    package var batchedKernel = false
    package var sequenceOnLane = false

    package init() {}
  }

  package struct Strategy: Sendable, Hashable {
    /// Wins over `tensorParallelSize` unless it is nil or zero.
    package var tensorParallelism: Int?
    package var expertParallelism = 1
    package var sequenceParallelism = 1
    package var enablesDataParallelAttention = false
    /// Nil derives it from the KV heads.
    package var attnDPSize: Int?
    /// How many devices are named; nil or 0 when none are.
    package var numDeviceIndexes: Int?

    package init() {}
  }

  package init() {}
}

extension ShardingRequest {
  /// Reads the recorded form: `{"parallel", "model", "cache_dtype", "lora", "env", "additional_config"}`, all
  /// optional.
  package init(_ json: JSONObject) throws(PlanningError) {
    let fields = ConfigFields(json)
    let parallel = try fields.fields("parallel")
    tensorParallelSize = try parallel.whole("tensor_parallel_size", or: 1)
    dataParallelSize = try parallel.whole("data_parallel_size", or: 1)
    decodeContextParallelSize = try parallel.whole("decode_context_parallel_size", or: 1)
    prefillContextParallelSize = try parallel.whole("prefill_context_parallel_size", or: 1)

    let model = try fields.fields("model")
    let heads = -Int(Int32.max)...Int(Int32.max)
    usesLatentAttention = try model.flag("use_mla", or: false)
    dtype = try model.text("dtype", or: "bfloat16")
    numKVHeads = try model.optionalWhole("total_num_kv_heads", in: heads)
    headDim = try model.optionalWhole("head_size", in: heads)
    cacheDType = try fields.text("cache_dtype", or: "auto")
    usesLoRA = try fields.flag("lora", or: false)

    let environment = try fields.fields("env")
    flags.newModelDesign = try environment.flag("NEW_MODEL_DESIGN", or: false)
    flags.multiprocessDataParallel = try environment.flag("TPU_MULTIPROCESS_DP", or: false)
    flags.batchedKernel = try environment.flag("USE_BATCHED_RPA_KERNEL", or: false)
    flags.sequenceOnLane = try environment.flag("USE_BATCHED_RPA_SEQ_ON_LANE", or: false)

    strategy = try Strategy(additionalConfig: json["additional_config"])
  }
}

extension ShardingRequest.Strategy {
  /// Reads `sharding.sharding_strategy` of vLLM's additional configuration; absent parts give the defaults.
  package init(additionalConfig: JSONValue?) throws(PlanningError) {
    self.init()
    guard let additionalConfig else { return }
    guard let object = additionalConfig.object else {
      throw PlanningError(
        "additional_config is \(ConfigFields.shown(additionalConfig)), but must be an object; leave it out "
          + "for none."
      )
    }
    let fields = try ConfigFields(object, prefix: "additional_config.").fields("sharding").fields(
      "sharding_strategy")
    tensorParallelism = try fields.optionalWhole("tensor_parallelism")
    expertParallelism = try fields.whole("expert_parallelism", or: 1)
    sequenceParallelism = try fields.whole("sequence_parallelism", or: 1)
    enablesDataParallelAttention = try fields.flag("enable_dp_attention", or: false)
    attnDPSize = try fields.optionalWhole("attn_dp_size")
    if let indexes = fields.value("device_indexes"), !indexes.isNull {
      guard let list = indexes.array else {
        throw fields.wrong("device_indexes", indexes, "must be a list of device numbers, or null for all")
      }
      numDeviceIndexes = list.count
    }
  }
}
