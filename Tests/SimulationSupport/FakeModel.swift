package import Wire

/// A model whose next token is a hash of all tokens so far: any error in what it is fed shows in what it says.
package struct FakeModel: Sendable {
  package var vocabularySize: Int

  package init(vocabularySize: Int) {
    self.vocabularySize = vocabularySize
  }

  /// The "keys and values" of a position: a hash of all tokens up to it.
  package func state(after previous: UInt64?, _ token: TokenID) -> UInt64 {
    SeededRandom.scramble((previous ?? 99) &* 31 &+ UInt64(token.index) &+ 1)
  }

  /// The token that follows `state`.
  package func draw(
    _ state: UInt64, _ sampling: SamplingParameters, randomKey: UInt64, suppressed: [TokenID],
    outputCount: Int
  ) -> TokenID {
    let key = sampling.isGreedy ? state : SeededRandom.scramble(state ^ randomKey)
    var token = Int(key % UInt64(vocabularySize))
    if outputCount < sampling.minTokens {
      while suppressed.contains(TokenID(token)) { token = (token + 1) % vocabularySize }
    }
    return TokenID(token)
  }

  /// The log-probability that the model claims for a token.
  package func score(_ state: UInt64, _ next: TokenID) -> Float {
    -Float((state &+ UInt64(next.index)) % 1000) / 100
  }

  /// What the model says when nothing else runs: prompt in, output tokens out.
  package func outputAlone(
    prompt: [TokenID], sampling: SamplingParameters, randomKey: UInt64, endOfSequence: Set<Int32>, limit: Int
  ) -> [TokenID] {
    var state: UInt64?
    for token in prompt { state = self.state(after: state, token) }
    var output: [TokenID] = []
    let stops = Set(sampling.stopTokenIDs.map(\.rawValue))
    let suppressed = stops.union(sampling.ignoreEOS ? [] : endOfSequence).map { TokenID(rawValue: $0) }
    while output.count < sampling.maxTokens ?? .max, prompt.count + output.count < limit {
      let token = draw(
        state!, sampling, randomKey: randomKey, suppressed: suppressed, outputCount: output.count)
      output.append(token)
      state = self.state(after: state, token)
      guard output.count >= sampling.minTokens else { continue }
      if stops.contains(token.rawValue) { break }
      if !sampling.ignoreEOS, endOfSequence.contains(token.rawValue) { break }
    }
    return output
  }
}
