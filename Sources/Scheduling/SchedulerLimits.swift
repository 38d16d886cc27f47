/// The bounds within which a scheduler plans; the same for every attention group of a replica.
package struct SchedulerLimits: Sendable, Hashable {
  /// Attention groups of the replica.
  package var numGroups = 1
  /// KV pages of each group.
  package var pagesPerGroup: Int
  /// Positions that a page holds.
  package var pageSize = 16
  /// Most sequences of a group that run at once; also its number of slots.
  package var maxSequences = 64
  /// Most rows of a group in one step; at least `maxSequences`, so that every running sequence can take a token.
  package var maxBatchedTokens = 512
  /// Most rows of one sequence in one step. Never changes a result, only when it is there.
  package var prefillChunk = Int.max
  /// Most tokens of a sequence, prompt and output together.
  package var maxModelLength: Int
  package var vocabularySize: Int
  /// Keeps full pages of finished sequences for others that start with the same tokens.
  package var cachesPrefixes = true
  /// Most sequences that wait; a request beyond is refused.
  package var maxWaiting = 65_536
  /// Ids that end a sequence unless it ignores them.
  package var endOfSequenceTokens: Set<Int32> = []
  /// Makes the random keys of requests that bring no seed.
  package var seed: UInt64 = 0

  package init(pagesPerGroup: Int, maxModelLength: Int, vocabularySize: Int) {
    self.pagesPerGroup = pagesPerGroup
    self.maxModelLength = maxModelLength
    self.vocabularySize = vocabularySize
  }

  /// Most tokens of a sequence that also fit the pages of a group.
  package var lengthLimit: Int {
    let (positions, overflow) = pagesPerGroup.multipliedReportingOverflow(by: pageSize)
    return overflow ? maxModelLength : min(maxModelLength, positions)
  }

  /// Every rule that the values break, one sentence each.
  package func problems() -> [String] {
    var found: [String] = []
    func atLeastOne(_ value: Int, _ name: String) {
      if value < 1 { found.append("\(name) is \(value); give at least 1") }
    }
    atLeastOne(numGroups, "the number of attention groups")
    atLeastOne(pagesPerGroup, "the number of KV pages")
    atLeastOne(pageSize, "--block-size")
    atLeastOne(maxSequences, "--max-num-seqs")
    atLeastOne(prefillChunk, "the prefill chunk")
    atLeastOne(maxModelLength, "--max-model-len")
    atLeastOne(vocabularySize, "the vocabulary size")
    atLeastOne(maxWaiting, "the waiting queue's limit")
    if maxBatchedTokens < maxSequences {
      found.append(
        "--max-num-batched-tokens is \(maxBatchedTokens); give at least --max-num-seqs = \(maxSequences)")
    }
    for (value, name) in [
      (pagesPerGroup, "the number of KV pages"), (pageSize, "--block-size"), (maxSequences, "--max-num-seqs"),
      (maxModelLength, "--max-model-len"), (vocabularySize, "the vocabulary size"),
    ] where value > Int(Int32.max) {
      found.append("\(name) is \(value); give at most \(Int32.max)")
    }
    return found
  }
}
