package import Tensors

/// Sizes of a run that every rank must agree on: they shape its buffers, not its results.
package struct RunLimits: Sendable, Hashable {
  /// Tokens of one attention group in one step.
  package var maxBatchedTokens: Int
  /// Sequences of one attention group in one step.
  package var maxSequences: Int
  /// Longest sequence, prompt and output together.
  package var maxModelLength: Int
  /// Key/value slots of one page, a multiple of 16.
  package var pageSlots: Int
  /// KV pages of one attention group.
  package var numPages: Int
  package var kvFormat: KVFormat
  /// Whether every row of a step may ask for logits (perplexity, scores) and hidden states.
  package var scoresRows: Bool

  package init(
    maxBatchedTokens: Int, maxSequences: Int, maxModelLength: Int, pageSlots: Int, numPages: Int,
    kvFormat: KVFormat,
    scoresRows: Bool
  ) {
    self.maxBatchedTokens = maxBatchedTokens
    self.maxSequences = maxSequences
    self.maxModelLength = maxModelLength
    self.pageSlots = pageSlots
    self.numPages = numPages
    self.kvFormat = kvFormat
    self.scoresRows = scoresRows
  }

  /// Pages of the longest sequence.
  package var pagesPerSequence: Int { (maxModelLength + pageSlots - 1) / pageSlots }
}
