package import Wire

extension Sampler {
  /// Natural log-probabilities under the raw logits: of `chosen`, and of the `numTop` most likely tokens.
  ///
  /// Cost: one pass with an exponential per token, and a short insertion list for the best ones.
  package mutating func logprobs(_ logits: Span<Float>, chosen: Int, numTop: Int) -> TokenLogprobs {
    let normaliser = logNormaliser(logits)
    var best: [Int32] = []
    let wanted = min(numTop, vocabularySize)
    best.reserveCapacity(wanted + 1)
    if wanted > 0 {
      for index in 0..<vocabularySize {
        // A later token must be strictly better to displace an earlier one.
        guard best.count < wanted || logits[index] > logits[Int(best[best.count - 1])] else { continue }
        var place = best.count
        while place > 0, logits[index] > logits[Int(best[place - 1])] { place -= 1 }
        best.insert(Int32(index), at: place)
        if best.count > wanted { best.removeLast() }
      }
    }
    var result = TokenLogprobs(chosen: Float(Double(logits[chosen]) - normaliser), top: [])
    result.top.reserveCapacity(best.count)
    for index in best {
      let logprob = Float(Double(logits[Int(index)]) - normaliser)
      result.top.append(TokenLogprobs.Entry(token: TokenID(rawValue: index), logprob: logprob))
    }
    return result
  }

  /// The log-probability of each row's target: used for perplexity.
  ///
  /// - Parameter target: a token of the vocabulary.
  package mutating func score(_ logits: Span<Float>, target: TokenID) -> Float {
    Float(Double(logits[target.index]) - logNormaliser(logits))
  }

  /// ln of the sum of exp(logit) over the vocabulary. Overwrites `weights`.
  private mutating func logNormaliser(_ logits: Span<Float>) -> Double {
    precondition(logits.count == vocabularySize, "\(logits.count) logits for \(vocabularySize) tokens")
    var maximum = -Float.infinity
    for index in 0..<vocabularySize where logits[index] > maximum { maximum = logits[index] }
    guard maximum > -.infinity, maximum < .infinity else { return .nan }
    for index in 0..<vocabularySize {
      let distance = logits[index] - maximum
      weights[index] = distance == distance ? Functions.exp(distance) : 0
    }
    return Double(maximum) + Functions.log(sumBlocks())
  }
}
