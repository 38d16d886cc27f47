internal import Wire

/// Draws tokens from whole rows of logits.
///
/// In this order: biases and suppressed tokens, penalties (repetition over prompt and output; frequency and presence
/// over the output), temperature, min-p, top-k, top-p, then one uniform number keyed by (random key, position) picks a
/// token by cumulative weight. Greedy takes the argmax after the penalties. Ties go to the lowest token id everywhere.
///
/// Weights are f32, all sums f64 in a fixed order, so a row gives the same token on every machine. Owns scratch for
/// one row: greedy draws and draws without top-k and top-p allocate nothing, the others only what the standard
/// library's sort needs, log-probabilities their list. `SamplerReference` says the same slowly.
package struct Sampler: Sendable {
  package let vocabularySize: Int

  /// Adjusted logits, divided by the temperature.
  var values: [Float]
  /// exp(value - maximum); 0 for tokens that are out.
  var weights: [Float]
  /// Sum of the weights of each block of `blockSize` tokens.
  var blockSums: [Double]
  /// Token ids under consideration, by rank.
  var candidates: [Int32] = []
  /// Tokens and weight per distance from the maximum; see `Sampler+Truncation`.
  var binCounts: [Int32]
  var binWeights: [Double]

  /// Tokens per partial sum.
  package static let blockSize = 1024

  package init(vocabularySize: Int) {
    precondition(vocabularySize >= 1, "a vocabulary of \(vocabularySize) tokens cannot be sampled")
    self.vocabularySize = vocabularySize
    values = Array(repeating: 0, count: vocabularySize)
    weights = Array(repeating: 0, count: vocabularySize)
    blockSums = Array(repeating: 0, count: (vocabularySize + Self.blockSize - 1) / Self.blockSize)
    binCounts = Array(repeating: 0, count: Self.numBins)
    binWeights = Array(repeating: 0, count: Self.numBins)
    candidates.reserveCapacity(vocabularySize)
  }

  /// Draws the next token of a sequence from its raw logits and notes it in `state`.
  ///
  /// - Throws: when no logit is a number above minus infinity.
  package mutating func sample(_ logits: Span<Float>, _ state: inout SamplingState) throws(SamplingError)
    -> Draw
  {
    precondition(logits.count == vocabularySize, "\(logits.count) logits for \(vocabularySize) tokens")
    adjust(logits, state)
    let best = bestValue()
    guard best.value > -.infinity, best.value < .infinity else {
      throw SamplingError(
        description:
          "the logits at position \(state.nextPosition) hold no finite maximum; a weight or activation"
          + " is not a number")
    }
    let token = state.parameters.isGreedy ? best.index : draw(state)
    var result = Draw(token: TokenID(token))
    if let numTop = state.parameters.logprobs {
      result.logprobs = logprobs(logits, chosen: token, numTop: numTop)
    }
    state.append(result.token)
    return result
  }

  /// Fills `values` with the adjusted logits; a logit that is not a number counts as minus infinity.
  private mutating func adjust(_ logits: Span<Float>, _ state: borrowing SamplingState) {
    for index in 0..<vocabularySize {
      let value = logits[index]
      values[index] = value == value ? value : -.infinity
    }
    let parameters = state.parameters
    for entry in parameters.logitBias where entry.token.index < vocabularySize {
      values[entry.token.index] += entry.bias
    }
    if state.isBelowMinimum {
      for token in state.suppressedTokens where token.index < vocabularySize {
        values[token.index] = -.infinity
      }
    }
    guard parameters.usesPenalties else { return }
    let repetition = parameters.repetitionPenalty
    let (frequency, presence) = (parameters.frequencyPenalty, parameters.presencePenalty)
    state.occurrences.forEach { token, outputs in
      guard token < vocabularySize else { return }
      values[token] = Self.penalised(
        values[token], outputs: outputs, repetition: repetition, frequency: frequency, presence: presence)
    }
  }

  /// The logit of a token that the sequence has seen, `outputs` times in its output.
  static func penalised(
    _ value: Float, outputs: Int32, repetition: Float, frequency: Float, presence: Float
  ) -> Float {
    var result = value > 0 ? value / repetition : value * repetition
    if outputs > 0 {
      result -= frequency * Float(outputs)
      result -= presence
    }
    return result
  }

  private func bestValue() -> (index: Int, value: Float) {
    var best = (index: 0, value: -Float.infinity)
    for index in 0..<vocabularySize where values[index] > best.value { best = (index, values[index]) }
    return best
  }

  /// Weighs all tokens, drops those that the parameters rule out, and draws one of the rest.
  private mutating func draw(_ state: borrowing SamplingState) -> Int {
    let parameters = state.parameters
    weigh(temperature: parameters.temperature, minP: parameters.minP)
    let uniform = Philox.uniform(key: state.randomKey, position: UInt64(state.nextPosition))
    if parameters.topK > 0, parameters.topK < vocabularySize {
      return drawRanked(topK: parameters.topK, topP: parameters.topP, uniform)
    }
    let total = sumBlocks()
    guard parameters.topP < 1 else { return pick(uniform * total) }
    cutTail(topP: Double(parameters.topP), total: total)
    // Its own statement: within `pick(uniform * sumBlocks())` Swift may read the sampler before the sums are new.
    let kept = sumBlocks()
    return pick(uniform * kept)
  }

  /// `values` become logits over temperature, `weights` their exponentials relative to the largest.
  private mutating func weigh(temperature: Float, minP: Float) {
    var maximum = -Float.infinity
    for index in 0..<vocabularySize {
      let value = values[index] / temperature
      values[index] = value
      if value > maximum { maximum = value }
    }
    for index in 0..<vocabularySize {
      let weight = Functions.exp(values[index] - maximum)
      weights[index] = weight < minP ? 0 : weight
    }
  }

  /// Sums the weights: in each block eight lanes and a tree, then the blocks in order.
  mutating func sumBlocks() -> Double {
    var total = 0.0
    for block in blockSums.indices {
      let end = min((block + 1) * Self.blockSize, vocabularySize)
      var lanes = SIMD8<Double>(repeating: 0)
      var index = block * Self.blockSize
      while index + 8 <= end {
        var part = SIMD8<Float>()
        for lane in 0..<8 { part[lane] = weights[index + lane] }
        lanes += SIMD8<Double>(part)
        index += 8
      }
      for lane in 0..<(end - index) { lanes[lane] += Double(weights[index + lane]) }
      let quarters = lanes.evenHalf + lanes.oddHalf
      let halves = quarters.evenHalf + quarters.oddHalf
      blockSums[block] = halves.x + halves.y
      total += blockSums[block]
    }
    return total
  }

  /// The token at which the cumulative weight, in order of ids, passes `target`.
  private func pick(_ target: Double) -> Int {
    var sum = 0.0
    var block = 0
    while block + 1 < blockSums.count, sum + blockSums[block] <= target {
      sum += blockSums[block]
      block += 1
    }
    var last: Int?
    for index in (block * Self.blockSize)..<min((block + 1) * Self.blockSize, vocabularySize)
    where weights[index] > 0 {
      sum += Double(weights[index])
      last = index
      if sum > target { return index }
    }
    // Rounding can leave the target just above the sum: the last token of the block is meant, or of one before.
    return last ?? weights.lastIndex { $0 > 0 }!
  }
}
