/// How a request wants its tokens drawn, and when it wants them to end.
///
/// Names and defaults follow vLLM, so that a request written for it means the same here.
package struct SamplingParameters: Sendable, Hashable {
  /// Most tokens to generate; nil means as many as the model length leaves.
  package var maxTokens: Int?
  /// Until so many tokens exist, end-of-sequence and stop token ids cannot be drawn.
  package var minTokens = 0
  /// 0 is greedy: the most likely token, the lowest id among equals.
  package var temperature: Float = 1
  /// Keeps the smallest set of most likely tokens whose probabilities reach this sum; 1 keeps all.
  package var topP: Float = 1
  /// Keeps this many most likely tokens; 0 keeps all.
  package var topK = 0
  /// Keeps tokens at least this fraction as likely as the most likely one; 0 keeps all.
  package var minP: Float = 0
  /// Over 1 makes tokens of the prompt and output less likely, as in Hugging Face generation; 1 is off.
  package var repetitionPenalty: Float = 1
  /// Taken off the logit of every token that the output holds; 0 is off.
  package var presencePenalty: Float = 0
  /// Taken off the logit of a token once for each time that the output holds it; 0 is off.
  package var frequencyPenalty: Float = 0
  /// Key of the random stream; nil lets the coordinator choose one from its own seed and the request's number.
  package var seed: UInt64?
  /// Texts that end the output. They are found outside the scheduler, which is told to stop the sequence.
  package var stop: [String] = []
  /// Token ids that end the output; the id itself is the last token.
  package var stopTokenIDs: [TokenID] = []
  /// Goes on past the end-of-sequence token.
  package var ignoreEOS = false
  /// nil: no log-probabilities. N: that of the token drawn, and those of the N most likely ones.
  package var logprobs: Int?
  /// Completions of the same prompt.
  package var n = 1
  /// Added to single logits before anything else; ascending ids, each at most once.
  package var logitBias: [LogitBias] = []

  package init() {}

  /// One entry of `logitBias`.
  package struct LogitBias: Sendable, Hashable, BitwiseCopyable {
    package var token: TokenID
    package var bias: Float

    package init(token: TokenID, bias: Float) {
      self.token = token
      self.bias = bias
    }
  }

  /// True when the next token is the argmax of the adjusted logits: temperature 0, or as good as 0.
  package var isGreedy: Bool { temperature < 1e-5 }

  /// True when a logit depends on which tokens came before.
  package var usesPenalties: Bool {
    repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0
  }
}
