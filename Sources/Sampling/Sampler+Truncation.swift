/// Top-k and top-p without sorting the vocabulary: tokens are counted into bins by their distance from the maximum;
/// only the bins that decide are sorted.
extension Sampler {
  /// Bins of 1/32 up to a distance of 64; the last one takes the rest, whose weights are below 2e-28.
  static let numBins = 2048

  /// Weakly rising with the distance, so that a lower bin never holds a less likely token.
  @inline(__always)
  private func bin(_ distance: Float) -> Int {
    distance < 63.9 ? Int(distance * 32) : Self.numBins - 1
  }

  /// Draws among the `topK` most likely tokens, cut to `topP` of their weight; they are walked by rank.
  mutating func drawRanked(topK: Int, topP: Float, _ uniform: Double) -> Int {
    let maximum = fillBins()
    var (last, count) = (0, 0)
    while last < Self.numBins {
      count += Int(binCounts[last])
      if count >= topK { break }
      last += 1
    }
    gather(maximum) { $0 <= last }
    rankCandidates()
    if candidates.count > topK { candidates.removeLast(candidates.count - topK) }
    var total = 0.0
    for index in candidates { total += Double(weights[Int(index)]) }
    if topP < 1 {
      let (kept, sum) = nucleus(from: 0, target: Double(topP) * total)
      candidates.removeLast(candidates.count - kept)
      total = sum
    }
    let target = uniform * total
    var sum = 0.0
    for index in candidates {
      sum += Double(weights[Int(index)])
      if sum > target { return Int(index) }
    }
    return Int(candidates.last!)
  }

  /// Sets the weights outside the smallest set of most likely tokens that holds `topP` of the weight to 0.
  mutating func cutTail(topP: Double, total: Double) {
    let maximum = fillBins()
    let target = topP * total
    var (edge, sum) = (0, 0.0)
    while edge + 1 < Self.numBins, sum + binWeights[edge] < target {
      sum += binWeights[edge]
      edge += 1
    }
    gather(maximum) { $0 == edge }
    rankCandidates()
    let (kept, _) = nucleus(from: sum, target: target)
    for index in candidates.dropFirst(kept) { weights[Int(index)] = 0 }
    for index in 0..<vocabularySize where weights[index] > 0 {
      if bin(maximum - values[index]) > edge { weights[index] = 0 }
    }
  }

  /// Counts and weighs the tokens of each bin; returns the largest value.
  private mutating func fillBins() -> Float {
    var maximum = -Float.infinity
    for index in 0..<vocabularySize where values[index] > maximum { maximum = values[index] }
    for bin in 0..<Self.numBins {
      binCounts[bin] = 0
      binWeights[bin] = 0
    }
    for index in 0..<vocabularySize where weights[index] > 0 {
      let bin = bin(maximum - values[index])
      binCounts[bin] += 1
      binWeights[bin] += Double(weights[index])
    }
    return maximum
  }

  private mutating func gather(_ maximum: Float, _ isWanted: (Int) -> Bool) {
    candidates.removeAll(keepingCapacity: true)
    for index in 0..<vocabularySize where weights[index] > 0 {
      if isWanted(bin(maximum - values[index])) { candidates.append(Int32(index)) }
    }
  }

  private mutating func rankCandidates() {
    // A second name for the same storage: the closure must not hold the sampler itself.
    let values = values
    candidates.sort { a, b in
      let (left, right) = (values[Int(a)], values[Int(b)])
      return left > right || (left == right && a < b)
    }
  }

  /// How many candidates it takes until `sum` plus their weights reaches `target`, at least one; and that sum.
  private func nucleus(from start: Double, target: Double) -> (kept: Int, sum: Double) {
    var (sum, kept) = (start, 0)
    for index in candidates {
      sum += Double(weights[Int(index)])
      kept += 1
      if sum >= target { break }
    }
    return (kept, sum)
  }
}
