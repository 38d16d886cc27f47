extension SamplingParameters {
  /// Most completions of one request.
  package static let maxCompletions = 256
  /// Most log-probabilities per token.
  package static let maxLogprobs = 1024
  /// Most stop texts, stop ids or biases of one request.
  package static let maxListCount = 1024
  /// Longest stop text in UTF-8 bytes.
  package static let maxStopBytes = 4096

  /// Every rule that the values break, one sentence each; empty when they are usable.
  ///
  /// - Parameter vocabularySize: when given, token ids are checked against it.
  package func problems(vocabularySize: Int? = nil) -> [String] {
    var found: [String] = []
    func check(_ holds: Bool, _ text: @autoclosure () -> String) {
      if !holds { found.append(text()) }
    }
    if let maxTokens {
      check(maxTokens >= 1 && maxTokens <= Int(Int32.max), "max_tokens is \(maxTokens); give at least 1")
      check(minTokens <= maxTokens, "min_tokens is \(minTokens); give at most max_tokens = \(maxTokens)")
    }
    check(minTokens >= 0 && minTokens <= Int(Int32.max), "min_tokens is \(minTokens); give 0 or more")
    check(temperature >= 0 && temperature <= 100, "temperature is \(temperature); give 0 (greedy) to 100")
    check(topP > 0 && topP <= 1, "top_p is \(topP); give a number over 0, at most 1")
    check(topK >= 0 && topK <= Int(Int32.max), "top_k is \(topK); give 0 (all tokens) or more")
    check(minP >= 0 && minP <= 1, "min_p is \(minP); give 0 to 1")
    check(
      repetitionPenalty > 0 && repetitionPenalty <= 100,
      "repetition_penalty is \(repetitionPenalty); give a number over 0, at most 100")
    check(abs(presencePenalty) <= 2, "presence_penalty is \(presencePenalty); give -2 to 2")
    check(abs(frequencyPenalty) <= 2, "frequency_penalty is \(frequencyPenalty); give -2 to 2")
    check(n >= 1 && n <= Self.maxCompletions, "n is \(n); give 1 to \(Self.maxCompletions)")
    if let logprobs {
      check(
        logprobs >= 0 && logprobs <= Self.maxLogprobs,
        "logprobs is \(logprobs); give 0 to \(Self.maxLogprobs)")
    }
    check(
      stop.count <= Self.maxListCount && stopTokenIDs.count <= Self.maxListCount
        && logitBias.count <= Self.maxListCount,
      "stop, stop_token_ids and logit_bias may hold at most \(Self.maxListCount) entries each")
    check(
      stop.allSatisfy { !$0.isEmpty && $0.utf8.count <= Self.maxStopBytes },
      "every stop text must hold 1 to \(Self.maxStopBytes) bytes")
    let limit = vocabularySize ?? Int(Int32.max)
    for token in stopTokenIDs + logitBias.map(\.token) where token.index < 0 || token.index >= limit {
      found.append("token id \(token) is outside the vocabulary; give 0 to \(limit - 1)")
      break
    }
    check(
      logitBias.allSatisfy { abs($0.bias) <= 1000 },
      "a logit_bias is out of range; give -1000 to 1000")
    check(
      zip(logitBias, logitBias.dropFirst()).allSatisfy { $0.token < $1.token },
      "logit_bias names a token id twice; give each id once")
    return found
  }
}
