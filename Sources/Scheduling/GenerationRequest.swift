package import Wire

/// The number of a request, given by whoever accepts it; unique within a run.
package struct RequestID: RawRepresentable, Sendable, Hashable, Comparable, BitwiseCopyable,
  CustomStringConvertible
{
  package var rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  package var description: String { "request \(rawValue)" }

  package static func < (a: RequestID, b: RequestID) -> Bool { a.rawValue < b.rawValue }
}

/// What a client wants computed for one prompt.
package struct GenerationRequest: Sendable, Hashable {
  package var id: RequestID
  package var promptTokens: [TokenID]
  package var sampling: SamplingParameters
  /// `.sample` for text; without it the prompt is computed once for the other outputs and the request ends.
  package var outputs: OutputRequest
  /// Lower runs earlier; equals run in the order they came.
  package var priority: Int
  /// When it is passed, the request ends with what it has.
  package var deadline: Timestamp?
  /// By completion: what is known of its output from an earlier run of the same request; it goes on from there. Missing
  /// ones begin anew.
  package var known: [KnownOutput] = []

  package init(
    id: RequestID, promptTokens: [TokenID], sampling: SamplingParameters = SamplingParameters(),
    outputs: OutputRequest = .sample, priority: Int = 0, deadline: Timestamp? = nil
  ) {
    self.id = id
    self.promptTokens = promptTokens
    self.sampling = sampling
    self.outputs = outputs
    self.priority = priority
    self.deadline = deadline
  }

  /// The first rule that the request breaks, as a sentence.
  package func problem(limits: SchedulerLimits) -> String? {
    guard !promptTokens.isEmpty else { return "the prompt has no tokens; give at least one" }
    for token in promptTokens where token.index < 0 || token.index >= limits.vocabularySize {
      return "prompt token id \(token) is outside the vocabulary; give 0 to \(limits.vocabularySize - 1)"
    }
    let longest = limits.lengthLimit - (outputs.contains(.sample) ? 1 : 0)
    guard promptTokens.count <= longest else {
      return "the prompt has \(promptTokens.count) tokens; at most \(longest) fit"
        + " --max-model-len = \(limits.maxModelLength) and the KV cache"
    }
    guard !outputs.isEmpty, outputs.isSubset(of: .all) else { return "the request asks for no output" }
    guard outputs.contains(.sample) || sampling.n == 1 else {
      return "n is \(sampling.n); a request that samples nothing has one completion"
    }
    return sampling.problems(vocabularySize: limits.vocabularySize).first ?? knownProblem(limits)
  }

  private func knownProblem(_ limits: SchedulerLimits) -> String? {
    guard known.count <= sampling.n else {
      return "output of \(known.count) completions is known, n is \(sampling.n)"
    }
    guard known.count < sampling.n || known.contains(where: { !$0.isOver }) else {
      return "every completion is over already"
    }
    for output in known where !output.isOver {
      guard promptTokens.count + output.tokens.count <= limits.lengthLimit else {
        return "\(output.tokens.count) known tokens after a prompt of \(promptTokens.count) do not fit"
          + " --max-model-len = \(limits.maxModelLength)"
      }
      for token in output.tokens where token.index < 0 || token.index >= limits.vocabularySize {
        return "known token id \(token) is outside the vocabulary of \(limits.vocabularySize)"
      }
    }
    return nil
  }
}

/// What is known of one completion before it is computed.
package struct KnownOutput: Sendable, Hashable {
  package var tokens: [TokenID]
  /// It has ended; nothing of it is computed any more.
  package var isOver: Bool
  /// Positions whose per-row outputs have been delivered.
  package var deliveredRows: Int

  package init(tokens: [TokenID] = [], isOver: Bool = false, deliveredRows: Int = 0) {
    self.tokens = tokens
    self.isOver = isOver
    self.deliveredRows = deliveredRows
  }
}
