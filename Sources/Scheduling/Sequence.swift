internal import KVCaching
internal import Wire

/// One completion on its way: known tokens, and how much of them is computed.
///
/// The known tokens (prompt and emitted output) are all that must survive: from them everything else can be computed
/// again with the same result.
struct Sequence: Sendable {
  let id: SequenceID
  let request: RequestID
  let completion: Int
  let sampling: SamplingParameters
  let outputs: OutputRequest
  let randomKey: UInt64
  let suppressedTokens: [TokenID]
  let priority: Int
  /// Order among sequences of equal priority.
  let arrival: UInt64
  let deadline: Timestamp?
  /// The attention group it is pinned to for life.
  let group: Int
  /// Tokens at which it ends.
  let lengthLimit: Int
  let promptCount: Int
  /// The completion whose prompt pages this one shares; it waits until they are computed.
  let leader: SequenceID?

  /// Prompt, then output.
  var tokens: [TokenID]
  /// Positions whose keys and values are in the pages. At least one token is always left to compute.
  var computed = 0
  var pageTable = PageTable()
  /// Pages that the prefix cache has been told of.
  var published = 0
  /// Keys of full pages, made when first needed.
  var keys: [PageKey] = []
  /// Worker-side slot; nil while waiting.
  var slot: Int32?
  /// The workers must be told about it (again) before its next chunk.
  var needsAdmission = true
  /// Rows whose per-row outputs have been delivered: computing them again delivers nothing.
  var deliveredRows = 0
  /// Tokens found in the cache at the first admission.
  var cachedTokens: Int?

  var outputCount: Int { tokens.count - promptCount }

  var remaining: Int { tokens.count - computed }

  var wantsEveryRow: Bool { !outputs.isDisjoint(with: .everyRow) }

  var samples: Bool { outputs.contains(.sample) }

  /// Pages that may be taken over: full ones that leave at least one token to compute.
  func adoptablePages(pageSize: Int) -> Int {
    wantsEveryRow ? 0 : (tokens.count - 1) / pageSize
  }

  /// Makes the keys of the first `count` pages.
  mutating func extendKeys(to count: Int, pageSize: Int) {
    while keys.count < count {
      let start = keys.count * pageSize
      var page: [Int32] = []
      page.reserveCapacity(pageSize)
      for position in start..<(start + pageSize) { page.append(tokens[position].rawValue) }
      keys.append(PageKey(after: keys.last, tokens: page))
    }
  }

  /// Runs before `other` when both wait.
  func precedes(_ other: Sequence) -> Bool {
    (priority, arrival) < (other.priority, other.arrival)
  }
}
