package import Scheduling
package import Wire

/// One entry of a journal. Entries are only ever appended.
package enum JournalRecord: Sendable, Hashable {
  /// A coordinator has taken the journal over.
  case opened(JournalOpening)
  /// A request that will be served to its end, whatever happens.
  case accepted(JournaledRequest)
  /// What came of the requests in one round, in order.
  case progress([JournalProgress])
}

/// Who writes from here on.
package struct JournalOpening: Sendable, Hashable {
  package static let currentVersion: UInt32 = 1

  package var version: UInt32 = JournalOpening.currentVersion
  /// What the tokens depend on, in words: model, formats, lengths. A run of anything else must not go on here.
  package var identity: String
  /// Makes the draws of requests without a seed of their own.
  package var seed: UInt64

  package init(identity: String, seed: UInt64) {
    self.identity = identity
    self.seed = seed
  }
}

/// A request with all that its tokens follow from.
package struct JournaledRequest: Sendable, Hashable {
  package var id: RequestID
  package var promptTokens: [TokenID]
  package var sampling: SamplingParameters
  /// The text that the prompt came from, for whoever shows it again.
  package var text: String?

  package init(id: RequestID, promptTokens: [TokenID], sampling: SamplingParameters, text: String? = nil) {
    self.id = id
    self.promptTokens = promptTokens
    self.sampling = sampling
    self.text = text
  }
}

/// One thing that became of a request.
package enum JournalProgress: Sendable, Hashable {
  /// The next token of a completion, and its number in the output.
  case token(RequestID, completion: Int, index: Int, TokenID, TokenLogprobs?)
  /// The completion is over for good.
  case ended(RequestID, completion: Int, FinishReason)
  /// The request was turned down after all.
  case withdrawn(RequestID)
}

/// What is wrong with a journal: one sentence that names the file, and the byte where there is one.
package struct JournalError: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
