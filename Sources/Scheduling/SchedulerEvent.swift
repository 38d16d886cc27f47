package import Wire

/// What happens to a scheduler.
package enum SchedulerEvent: Sendable {
  /// A request; its `n` sequences are numbered from `firstSequence` on.
  case submit(GenerationRequest, firstSequence: SequenceID)
  /// The client no longer wants the request.
  case cancel(RequestID)
  /// A stop text was found in the sequence's output.
  case stop(SequenceID)
}

/// What a scheduler wants done.
package enum SchedulerDirective: Sendable, Hashable {
  /// The request is not taken.
  case refused(RequestID, Refusal)
  case token(EmittedToken)
  case payload(SequencePayload)
  case finished(FinishedSequence)
}

/// The next token of a sequence; each index is emitted exactly once.
package struct EmittedToken: Sendable, Hashable {
  package var request: RequestID
  package var sequence: SequenceID
  /// 0 ..< n.
  package var completion: Int
  /// Index in the output, from 0.
  package var index: Int
  package var token: TokenID
  package var logprobs: TokenLogprobs?
}

/// A tensor that a request asked for. Rows come in ascending order, each exactly once.
package struct SequencePayload: Sendable, Hashable {
  package var request: RequestID
  package var sequence: SequenceID
  package var completion: Int
  /// Its slot has no meaning any more.
  package var payload: StepPayload
}

/// A sequence that is over.
package struct FinishedSequence: Sendable, Hashable {
  package var request: RequestID
  package var sequence: SequenceID
  package var completion: Int
  package var cause: FinishCause
  package var numPromptTokens: Int
  package var numOutputTokens: Int
  /// Prompt tokens that were found in the cache at the first admission.
  package var numCachedTokens: Int
  /// No other completion of the request is left.
  package var isLast: Bool
}

/// How an output ended, in the words of the OpenAI interface plus `abort`.
package enum FinishReason: String, Sendable, Hashable {
  case stop
  case length
  case abort
}

/// Why a sequence ended.
package enum FinishCause: Sendable, Hashable {
  case endOfSequence(TokenID)
  case stopToken(TokenID)
  case stopString
  /// Everything asked for besides sampled tokens is there.
  case outputsComplete
  case maxTokens
  case modelLength
  case cancelled
  case deadline
  /// The run failed; the text says why.
  case failure(String)

  package var reason: FinishReason {
    switch self {
    case .endOfSequence, .stopToken, .stopString, .outputsComplete: .stop
    case .maxTokens, .modelLength: .length
    case .cancelled, .deadline, .failure: .abort
    }
  }
}
