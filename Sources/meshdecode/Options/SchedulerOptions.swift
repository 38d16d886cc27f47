internal import ArgumentParser
internal import Settings

/// Batches and the KV cache.
struct SchedulerOptions: SettingOptions {
  @Option(name: .setting("max_model_len"), parsing: .unconditional, help: .setting("max_model_len"))
  var maxModelLen: String?

  @Option(name: .setting("max_num_seqs"), parsing: .unconditional, help: .setting("max_num_seqs"))
  var maxNumSeqs: String?

  @Option(
    name: .setting("max_num_batched_tokens"), parsing: .unconditional,
    help: .setting("max_num_batched_tokens"))
  var maxNumBatchedTokens: String?

  @Option(
    name: .setting("long_prefill_token_threshold"), parsing: .unconditional,
    help: .setting("long_prefill_token_threshold"))
  var longPrefillTokenThreshold: String?

  @Option(name: .setting("block_size"), parsing: .unconditional, help: .setting("block_size"))
  var blockSize: String?

  @Option(
    name: .setting("kv_cache_memory_bytes"), parsing: .unconditional,
    help: .setting("kv_cache_memory_bytes"))
  var kvCacheMemoryBytes: String?

  @Option(name: .setting("kv_cache_dtype"), parsing: .unconditional, help: .setting("kv_cache_dtype"))
  var kvCacheDtype: String?

  @Flag(
    name: .setting("enable_prefix_caching"), inversion: .prefixedNo, help: .setting("enable_prefix_caching"))
  var enablePrefixCaching: Bool?

  @Option(
    name: .setting("max_queued_requests"), parsing: .unconditional, help: .setting("max_queued_requests"))
  var maxQueuedRequests: String?

  @Option(
    name: .setting("request_timeout_seconds"), parsing: .unconditional,
    help: .setting("request_timeout_seconds"))
  var requestTimeoutSeconds: String?

  var given: [(key: String, texts: [String])] {
    [
      flag("max_model_len", maxModelLen),
      flag("max_num_seqs", maxNumSeqs),
      flag("max_num_batched_tokens", maxNumBatchedTokens),
      flag("long_prefill_token_threshold", longPrefillTokenThreshold),
      flag("block_size", blockSize),
      flag("kv_cache_memory_bytes", kvCacheMemoryBytes),
      flag("kv_cache_dtype", kvCacheDtype),
      flag("enable_prefix_caching", enablePrefixCaching.map { "\($0)" }),
      flag("max_queued_requests", maxQueuedRequests),
      flag("request_timeout_seconds", requestTimeoutSeconds),
    ]
  }
}
