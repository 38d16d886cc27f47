internal import ArgumentParser
internal import Settings

/// How tokens are chosen and when an answer ends.
struct SamplingOptions: SettingOptions {
  @Option(name: .setting("max_tokens"), parsing: .unconditional, help: .setting("max_tokens"))
  var maxTokens: String?

  @Option(name: .setting("min_tokens"), parsing: .unconditional, help: .setting("min_tokens"))
  var minTokens: String?

  @Option(name: .setting("temperature"), parsing: .unconditional, help: .setting("temperature"))
  var temperature: String?

  @Option(name: .setting("top_p"), parsing: .unconditional, help: .setting("top_p"))
  var topP: String?

  @Option(name: .setting("top_k"), parsing: .unconditional, help: .setting("top_k"))
  var topK: String?

  @Option(name: .setting("min_p"), parsing: .unconditional, help: .setting("min_p"))
  var minP: String?

  @Option(name: .setting("repetition_penalty"), parsing: .unconditional, help: .setting("repetition_penalty"))
  var repetitionPenalty: String?

  @Option(name: .setting("presence_penalty"), parsing: .unconditional, help: .setting("presence_penalty"))
  var presencePenalty: String?

  @Option(name: .setting("frequency_penalty"), parsing: .unconditional, help: .setting("frequency_penalty"))
  var frequencyPenalty: String?

  @Option(
    name: .setting("stop"), parsing: .unconditionalSingleValue, help: .setting("stop"))
  var stop: [String] = []

  @Option(
    name: .setting("stop_token_ids"), parsing: .unconditionalSingleValue, help: .setting("stop_token_ids"))
  var stopTokenIDs: [String] = []

  @Flag(name: .setting("ignore_eos"), help: .setting("ignore_eos"))
  var ignoreEOS = false

  @Option(name: .setting("logprobs"), parsing: .unconditional, help: .setting("logprobs"))
  var logprobs: String?

  @Option(name: .setting("n"), parsing: .unconditional, help: .setting("n"))
  var n: String?

  @Option(name: .setting("sampling_seed"), parsing: .unconditional, help: .setting("sampling_seed"))
  var samplingSeed: String?

  var given: [(key: String, texts: [String])] {
    [
      flag("max_tokens", maxTokens),
      flag("min_tokens", minTokens),
      flag("temperature", temperature),
      flag("top_p", topP),
      flag("top_k", topK),
      flag("min_p", minP),
      flag("repetition_penalty", repetitionPenalty),
      flag("presence_penalty", presencePenalty),
      flag("frequency_penalty", frequencyPenalty),
      ("stop", stop),
      ("stop_token_ids", stopTokenIDs),
      flag("ignore_eos", ignoreEOS ? "true" : nil),
      flag("logprobs", logprobs),
      flag("n", n),
      flag("sampling_seed", samplingSeed),
    ]
  }
}
