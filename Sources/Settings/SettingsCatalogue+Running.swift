/// Settings of a running engine: scheduler, sampling, launch, output.
extension SettingsCatalogue {
  static let scheduler: [Setting] = [
    .integer(
      "max_model_len", \.scheduler.maxModelLen, 0...(1 << 24), .scheduler, unit: "tokens",
      why: "longest prompt and answer together; 0 takes the model's own limit, less saves KV memory"),
    .integer(
      "max_num_seqs", \.scheduler.maxNumSeqs, 1...4096, .scheduler, unit: "sequences",
      why: "sequences decoded in one step; more raise throughput and the time of a step"),
    .integer(
      "max_num_batched_tokens", \.scheduler.maxNumBatchedTokens, 1...65536, .scheduler, unit: "tokens",
      why: "tokens of one step, prefill included; less keeps decoding smooth beside long prompts"),
    .integer(
      "long_prefill_token_threshold", \.scheduler.longPrefillTokenThreshold, 0...65536, .scheduler,
      unit: "tokens", why: "longest prefill chunk of one sequence; 0 means up to max_num_batched_tokens"),
    .integer(
      "block_size", \.scheduler.blockSize, 16...1024, .scheduler, unit: "tokens",
      why: "tokens of a KV page, a multiple of 16; smaller ones waste less and share prefixes more finely"),
    .integer(
      "kv_cache_memory_bytes", \.scheduler.kvCacheMemoryBytes, 0...(1 << 46), .scheduler, unit: "bytes",
      why: "KV cache of each rank; 0 means enough for max_num_seqs sequences, at most 1 GiB"),
    .choice(
      "kv_cache_dtype", \.scheduler.kvCacheDType, .scheduler,
      why:
        "type of cached keys and values; f32 is exact to the reference, bf16 (auto) halves it, q8 quarters it"
    ),
    .boolean(
      "enable_prefix_caching", \.scheduler.enablePrefixCaching, .scheduler,
      why: "keeps full pages of finished prompts, so that a shared beginning is computed once"),
    .integer(
      "max_queued_requests", \.scheduler.maxQueuedRequests, 256...1_000_000, .scheduler, unit: "sequences",
      why: "sequences that wait; a request beyond is refused and told when to try again"),
    .number(
      "request_timeout_seconds", \.scheduler.requestTimeoutSeconds, 0...1_000_000, .scheduler,
      unit: "seconds",
      why: "an answer ends with what it has after this time (finish reason abort); 0 means never"),
  ]

  static let sampling: [Setting] = [
    .integer(
      "max_tokens", \.sampling.maxTokens, 1...(1 << 24), .sampling, unit: "tokens",
      why: "longest answer"),
    .integer(
      "min_tokens", \.sampling.minTokens, 0...(1 << 24), .sampling, unit: "tokens",
      why: "no end of text before so many tokens"),
    .number(
      "temperature", \.sampling.temperature, 0...100, .sampling,
      why: "0 always takes the likeliest token; higher is more varied"),
    .number(
      "top_p", \.sampling.topP, 0...1, .sampling,
      why: "draws from the likeliest tokens that together hold this probability"),
    .integer(
      "top_k", \.sampling.topK, 0...(1 << 24), .sampling, unit: "tokens",
      why: "draws from so many likeliest tokens; 0 means all"),
    .number(
      "min_p", \.sampling.minP, 0...1, .sampling,
      why: "drops tokens less likely than this fraction of the likeliest one"),
    .number(
      "repetition_penalty", \.sampling.repetitionPenalty, 0.01...100, .sampling,
      why: "above 1 makes every token seen in prompt or answer less likely"),
    .number(
      "presence_penalty", \.sampling.presencePenalty, -2...2, .sampling,
      why: "taken off the logit of every token that the answer holds"),
    .number(
      "frequency_penalty", \.sampling.frequencyPenalty, -2...2, .sampling,
      why: "taken off a token's logit once for each time that the answer holds it"),
    .textList(
      "stop", \.sampling.stop, .sampling,
      why: "ends an answer before this text; may be given several times"),
    .integerList(
      "stop_token_ids", \.sampling.stopTokenIDs, 0...Int(Int32.max), .sampling,
      why: "ends an answer at this token; may be given several times"),
    .boolean(
      "ignore_eos", \.sampling.ignoreEOS, .sampling,
      why: "goes on after the model's end-of-text token, for measurements of fixed length"),
    .optionalInteger(
      "logprobs", \.sampling.logprobs, 0...20, .sampling, unit: "tokens",
      why: "reports the log-probability of each token and of so many alternatives"),
    .integer(
      "n", \.sampling.n, 1...128, .sampling, unit: "answers",
      why: "answers to each prompt"),
    .optionalInteger(
      "sampling_seed", \.sampling.seed, 0...Int.max, .sampling,
      why: "makes drawn answers repeatable; left out, it is drawn from the system"),
  ]

  static let launch: [Setting] = [
    .integer(
      "threads_per_worker", \.launch.threadsPerWorker, 0...1024, .launch, unit: "threads",
      zeroName: "auto",
      why:
        "compute threads of each worker; 0 or auto shares the CPUs of the host, by NUMA node, among its workers"
    ),
    .choice(
      "transport", \.launch.transport, .launch,
      why: "how frames travel between ranks of one host; auto is ipc, shm is shared memory, tcp is slower"),
    .choice(
      "launcher", \.launch.launcher, .launch,
      why: "who starts the workers: this host, ssh on the hosts of a file, the Slurm job, or somebody else"),
    .text(
      "hostfile", \.launch.hostfile, .path, .launch,
      why: "hosts for --launcher ssh, one a line: NAME slots=N user=U port=P identity=FILE address=IP"),
    .text(
      "ssh_command", \.launch.sshCommand, .text, .launch,
      why: "the ssh client and its first options, for instance 'ssh -F FILE'"),
    .text(
      "coordinator_address", \.launch.coordinatorAddress, .text, .launch,
      why: "HOST or HOST:PORT where workers on other hosts find this one; left out, the address toward them"),
    .text(
      "join_secret_file", \.launch.joinSecretFile, .path, .launch,
      why: "what lets in workers that are started apart (--launcher external); made when it does not exist"),
    .boolean(
      "insecure", \.launch.insecure, .launch,
      why:
        "leaves TCP connections plain: anyone who reaches the ports can read and join; for trusted networks"),
    .boolean(
      "compare_digests", \.launch.compareDigests, .launch,
      why:
        "ranks with the same activations compare a checksum of them after each step; finds silent corruption"),
    .choice(
      "instruction_set", \.launch.instructionSet, .launch,
      why: "which build of the kernels runs; results are the same to the bit, auto is the fastest"),
    .choice(
      "numerics", \.launch.numerics, .launch,
      why:
        "fast rounds what meets bf16 weights to bf16 too, for prefill and batches; each has its own bits on all meshes"
    ),
    .choice(
      "expert_dispatch", \.launch.expertDispatch, .launch,
      why: "how tokens reach their experts; results are the same to the bit, auto moves the fewest bytes"),
    .text(
      "run_directory", \.launch.runDirectory, .path, .launch,
      why: "where the private directory of sockets is made; left out, $XDG_RUNTIME_DIR, $TMPDIR or /tmp"),
    .number(
      "startup_timeout_seconds", \.launch.startupTimeoutSeconds, 1...86400, .launch, unit: "seconds",
      why: "longest wait for all workers to load; raise it for huge checkpoints on slow disks"),
    .number(
      "distributed_timeout_seconds", \.launch.distributedTimeoutSeconds, 0.1...3600, .launch,
      unit: "seconds", why: "longest wait inside one collective before the step is given up"),
    .integer(
      "pulse_milliseconds", \.launch.pulseMilliseconds, 10...60000, .launch, unit: "milliseconds",
      why: "period of a worker's sign of life; a hung worker is noticed after two of them"),
    .text(
      "link_conditions", \.launch.linkConditions, .text, .launch,
      why:
        "emulates slow or faulty links between ranks, as 'delay=200us,jitter=50us,rate=1gbit;0>1:drop=0.01'"
    ),
    .choice(
      "on_rank_loss", \.launch.onRankLoss, .launch,
      why: "respawn starts a lost worker again, spare has one waiting, shrink goes on with fewer; fail ends"),
    .integer(
      "spares", \.launch.spares, 0...64, .launch, unit: "workers",
      why: "workers that wait with --on-rank-loss spare; each holds every rank's shard where memory allows"),
    .number(
      "drain_timeout_seconds", \.launch.drainTimeoutSeconds, 0...86400, .launch, unit: "seconds",
      why: "after SIGTERM, time for what runs to end; 0 stops at the last token; a second signal ends at once"
    ),
    .integer(
      "max_rank_restarts", \.launch.maxRankRestarts, 0...1_000_000, .launch, unit: "replacements",
      why: "of one rank within a minute; a worker that is lost more often ends the run"),
  ]

  static let output: [Setting] = [
    .choice(
      "output", \.output.format, .output,
      why: "json prints one JSON document on standard output and nothing else"),
    .choice(
      "log_level", \.output.logLevel, .output,
      why: "least important log line written to standard error"),
  ]
}
