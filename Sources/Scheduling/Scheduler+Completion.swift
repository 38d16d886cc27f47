internal import KVCaching
package import Wire

/// A result that does not answer the plan: a defect of the sender, in one sentence.
package struct StepResultError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String
}

extension Scheduler {
  /// Takes in the result of one group and appends its tokens, payloads and endings.
  ///
  /// Sequences that ended meanwhile are passed over. Nothing is changed when the result does not answer the plan.
  package mutating func complete(
    _ result: StepResult, into directives: inout [SchedulerDirective]
  ) throws(StepResultError) {
    try check(result)
    let group = Int(result.group)
    groups[group].isAwaited = false
    var next = 0
    for place in groups[group].inFlight.indices {
      let chunk = groups[group].inFlight[place]
      let wantsToken = chunk.output.contains(.sample)
      if wantsToken { next += 1 }
      guard indexByID[chunk.id] == chunk.index else { continue }
      advance(chunk)
      for payload in result.payloads where payload.slot == chunk.slot {
        directives.append(.payload(wrap(payload, chunk.index)))
      }
      if wantsToken {
        accept(result.sampled[next - 1], chunk.index, &directives)
      } else if !sequences[chunk.index]!.samples, sequences[chunk.index]!.remaining == 0 {
        finish(chunk.index, .outputsComplete, &directives)
      }
    }
    groups[group].inFlight.removeAll(keepingCapacity: true)
  }

  private func check(_ result: StepResult) throws(StepResultError) {
    guard groups.indices.contains(Int(result.group)), groups[Int(result.group)].isAwaited else {
      throw StepResultError(
        description:
          "a result of attention group \(result.group) came for \(result.step), which none is awaited for")
    }
    var next = 0
    let chunks = groups[Int(result.group)].inFlight
    for chunk in chunks where chunk.output.contains(.sample) {
      guard next < result.sampled.count, result.sampled[next].slot == chunk.slot else {
        throw StepResultError(
          description:
            "the result of attention group \(result.group) for \(result.step) lacks the token of slot"
            + " \(chunk.slot)")
      }
      guard (0..<limits.vocabularySize).contains(result.sampled[next].token.index) else {
        throw StepResultError(
          description: "attention group \(result.group) drew token id \(result.sampled[next].token) in"
            + " \(result.step); the vocabulary has \(limits.vocabularySize)")
      }
      next += 1
    }
    guard next == result.sampled.count else {
      throw StepResultError(
        description: "the result of attention group \(result.group) for \(result.step) has"
          + " \(result.sampled.count) tokens; \(next) were asked for")
    }
    for payload in result.payloads {
      guard chunks.contains(where: { $0.slot == payload.slot && $0.output.contains(payload.kind.request) })
      else {
        throw StepResultError(
          description: "attention group \(result.group) sent \(payload.kind) of slot \(payload.slot) in"
            + " \(result.step), which nobody asked for")
      }
    }
  }

  /// The chunk's positions are computed; pages that became full can be found by others.
  private mutating func advance(_ chunk: InFlightChunk) {
    let index = chunk.index
    let group = sequences[index]!.group
    sequences[index]!.computed += chunk.count
    if sequences[index]!.wantsEveryRow {
      let computed = sequences[index]!.computed
      sequences[index]!.deliveredRows = max(sequences[index]!.deliveredRows, computed)
    }
    guard limits.cachesPrefixes else { return }
    let full = sequences[index]!.computed / limits.pageSize
    guard full > sequences[index]!.published else { return }
    sequences[index]!.extendKeys(to: full, pageSize: limits.pageSize)
    for page in sequences[index]!.published..<full {
      let key = sequences[index]!.keys[page]
      groups[group].pool.publish(key, pageAt: page, of: &sequences[index]!.pageTable)
    }
    sequences[index]!.published = full
  }

  private func wrap(_ payload: StepPayload, _ index: Int) -> SequencePayload {
    SequencePayload(
      request: sequences[index]!.request, sequence: sequences[index]!.id,
      completion: sequences[index]!.completion, payload: payload)
  }

  /// Appends a drawn token and ends the sequence where its parameters say so.
  private mutating func accept(
    _ sampled: SampledToken, _ index: Int, _ directives: inout [SchedulerDirective]
  ) {
    sequences[index]!.tokens.append(sampled.token)
    groups[sequences[index]!.group].numTokens += 1
    count { $0.outputTokens += 1 }
    directives.append(
      .token(
        EmittedToken(
          request: sequences[index]!.request, sequence: sequences[index]!.id,
          completion: sequences[index]!.completion, index: sequences[index]!.outputCount - 1,
          token: sampled.token, logprobs: sampled.logprobs)))
    if let cause = ending(index, sampled.token) { finish(index, cause, &directives) }
  }

  /// Why the sequence is over with this last token; nil when it goes on.
  func ending(_ index: Int, _ token: TokenID) -> FinishCause? {
    let outputCount = sequences[index]!.outputCount
    if outputCount >= sequences[index]!.sampling.minTokens {
      if !sequences[index]!.sampling.ignoreEOS, limits.endOfSequenceTokens.contains(token.rawValue) {
        return .endOfSequence(token)
      }
      if sequences[index]!.sampling.stopTokenIDs.contains(token) { return .stopToken(token) }
    }
    if outputCount == sequences[index]!.sampling.maxTokens { return .maxTokens }
    return sequences[index]!.tokens.count >= sequences[index]!.lengthLimit ? .modelLength : nil
  }
}

extension StepPayload.Kind {
  /// The output request that such a payload answers.
  package var request: OutputRequest {
    switch self {
    case .logits: .logits
    case .scores: .scoreTargets
    case .hidden: .hidden
    case .routingExperts, .routingWeights: .routing
    }
  }
}
