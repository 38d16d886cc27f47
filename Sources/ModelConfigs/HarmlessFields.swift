/// Members of `config.json` that do not change what a decoder computes for given tokens.
///
/// They describe training, sampling defaults, other tasks, the writer of the file or how another runtime
/// runs.
enum HarmlessFields {
  static let all =
    bookkeeping + training + generation + otherTasks + otherRuntimes

  static let bookkeeping = [
    "architectures", "model_type", "transformers_version", "auto_map", "tokenizer_class", "name_or_path",
    "torch_dtype", "dtype", "license", "unsloth_version", "unsloth_fixed", "sentence_transformers",
    "model_name", "model_max_length", "max_sequence_length", "max_length", "pad_token_id", "sep_token_id",
    "cls_token_id", "unk_token_id", "mask_token_id",
  ]

  static let training = [
    "initializer_range", "attention_dropout", "hidden_dropout", "hidden_dropout_prob", "dropout",
    "resid_pdrop", "embd_pdrop", "attn_pdrop", "output_router_logits", "router_aux_loss_coef",
    "router_jitter_noise", "router_z_loss_coef", "pretraining_tp", "gradient_checkpointing",
    "use_bfloat16", "layerdrop", "label_smoothing",
  ]

  static let generation = [
    "use_cache", "cache_implementation", "min_length", "do_sample", "early_stopping", "num_beams",
    "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p",
    "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
    "bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate",
    "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values",
    "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "max_new_tokens",
    "decoder_start_token_id",
  ]

  static let otherTasks = [
    "id2label", "label2id", "num_labels", "problem_type", "task_specific_params", "prefix",
    "finetuning_task", "is_decoder", "chunk_size_feed_forward", "tie_encoder_decoder",
    "output_attentions", "output_hidden_states", "return_dict", "torchscript", "tf_legacy_loss",
  ]

  static let otherRuntimes = [
    "attn_implementation", "experts_implementation", "use_flash_attn", "use_flash_attention",
    "use_flash_attention_2", "use_cache_quantization", "use_cache_kernel", "transformers.js_config",
    "neuron", "onnx", "gguf",
  ]
}
