package import Wire

/// What the sampling rank remembers of one sequence between its tokens; made anew from every admission.
package struct SamplingState: Sendable {
  package let parameters: SamplingParameters
  package let randomKey: UInt64
  package let suppressedTokens: [TokenID]
  package let promptCount: Int
  package private(set) var outputCount: Int
  /// Filled only where a penalty is asked for.
  package private(set) var occurrences: OccurrenceTable

  package init(_ admission: SequenceAdmission) {
    parameters = admission.sampling
    randomKey = admission.randomKey
    suppressedTokens = admission.suppressedTokens
    promptCount = admission.promptTokens.count
    outputCount = admission.outputTokens.count
    guard parameters.usesPenalties else {
      occurrences = OccurrenceTable(capacity: 0)
      return
    }
    // Room for the output to come, so that no step of usual length allocates.
    let known = promptCount + outputCount
    occurrences = OccurrenceTable(capacity: known + min(parameters.maxTokens ?? 4096, 4096))
    for token in admission.promptTokens { occurrences.add(token, outputs: 0) }
    for token in admission.outputTokens { occurrences.add(token, outputs: 1) }
  }

  /// Position of the next token in the sequence; keys its draw.
  package var nextPosition: Int { promptCount + outputCount }

  /// The tokens that cannot be drawn now are suppressed.
  package var isBelowMinimum: Bool { outputCount < parameters.minTokens }

  /// Notes a token that was drawn.
  package mutating func append(_ token: TokenID) {
    outputCount += 1
    if parameters.usesPenalties { occurrences.add(token, outputs: 1) }
  }
}

/// The logits hold nothing that can be drawn: a numeric fault upstream.
package struct SamplingError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String
}

/// What one draw gave.
package struct Draw: Sendable, Hashable {
  package var token: TokenID
  /// Present when the parameters ask for log-probabilities.
  package var logprobs: TokenLogprobs?
}
