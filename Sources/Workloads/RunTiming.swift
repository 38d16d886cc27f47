/// How long a run took.
package struct RunTiming: Sendable, Hashable {
  package var loadSeconds = 0.0
  package var timeToFirstTokenSeconds = 0.0
  package var prefillTokensPerSecond = 0.0
  package var decodeTokensPerSecond = 0.0
  package var outputTokens = 0

  package init() {}

  /// Adds the time of a later run: rates are averages over tokens, the first token's time is that of the first run.
  package mutating func add(_ other: RunTiming) {
    if outputTokens == 0 { timeToFirstTokenSeconds = other.timeToFirstTokenSeconds }
    let mine = Double(outputTokens)
    let theirs = Double(other.outputTokens)
    func joined(_ rate: Double, _ otherRate: Double) -> Double {
      guard rate > 0, otherRate > 0 else { return max(rate, otherRate) }
      return (mine + theirs) / (mine / rate + theirs / otherRate)
    }
    prefillTokensPerSecond = joined(prefillTokensPerSecond, other.prefillTokensPerSecond)
    decodeTokensPerSecond = joined(decodeTokensPerSecond, other.decodeTokensPerSecond)
    outputTokens += other.outputTokens
  }
}
