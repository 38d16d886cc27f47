package import Wire

/// `Sampler` as a textbook would write it: whole sorts, a dictionary for counts, no bins. For tests.
package struct SamplerReference {
  package let vocabularySize: Int

  package init(vocabularySize: Int) {
    self.vocabularySize = vocabularySize
  }

  /// The adjusted logits of a sequence with these tokens.
  package func adjusted(_ logits: [Float], _ admission: SequenceAdmission) -> [Float] {
    let parameters = admission.sampling
    var values = logits
    for entry in parameters.logitBias { values[entry.token.index] += entry.bias }
    if admission.outputTokens.count < parameters.minTokens {
      for token in admission.suppressedTokens { values[token.index] = -.infinity }
    }
    var counts: [Int: Int] = [:]
    for token in admission.promptTokens { counts[token.index] = 0 }
    for token in admission.outputTokens { counts[token.index, default: 0] += 1 }
    guard parameters.usesPenalties else { return values }
    for (token, count) in counts {
      let value = values[token]
      values[token] = value > 0 ? value / parameters.repetitionPenalty : value * parameters.repetitionPenalty
      guard count > 0 else { continue }
      values[token] -= parameters.frequencyPenalty * Float(count)
      values[token] -= parameters.presencePenalty
    }
    return values
  }

  /// Tokens that may be drawn with their weights, in the order in which a draw walks them.
  package func choices(_ logits: [Float], _ admission: SequenceAdmission) -> [(token: Int, weight: Double)] {
    let parameters = admission.sampling
    let values = adjusted(logits, admission).map { $0 / parameters.temperature }
    let maximum = values.max()!
    var ranked: [(token: Int, weight: Double)] = values.indices
      .map { (token: $0, weight: Double(Functions.exp(values[$0] - maximum))) }
      .filter { $0.weight >= Double(parameters.minP) && $0.weight > 0 }
      .sorted { a, b in
        values[a.token] > values[b.token] || (values[a.token] == values[b.token] && a.token < b.token)
      }
    let isTopK = parameters.topK > 0 && parameters.topK < vocabularySize
    if isTopK { ranked = Array(ranked.prefix(parameters.topK)) }
    if parameters.topP < 1 {
      let target = Double(parameters.topP) * ranked.reduce(0) { $0 + $1.weight }
      var (sum, kept) = (0.0, 0)
      while kept < ranked.count, kept == 0 || sum < target {
        sum += ranked[kept].weight
        kept += 1
      }
      ranked = Array(ranked.prefix(kept))
    }
    return isTopK ? ranked : ranked.sorted { $0.token < $1.token }
  }

  /// The next token.
  package func draw(_ logits: [Float], _ admission: SequenceAdmission) -> TokenID {
    if admission.sampling.isGreedy {
      let values = adjusted(logits, admission)
      return TokenID(values.indices.first { values[$0] == values.max()! }!)
    }
    let choices = choices(logits, admission)
    let position = admission.promptTokens.count + admission.outputTokens.count
    let uniform = Philox.uniform(key: admission.randomKey, position: UInt64(position))
    let target = uniform * choices.reduce(0) { $0 + $1.weight }
    var sum = 0.0
    for choice in choices {
      sum += choice.weight
      if sum > target { return TokenID(choice.token) }
    }
    return TokenID(choices.last!.token)
  }
}
