import Scheduling
import SimulationSupport
import Testing
import Wire

/// Whoever sent the requests: remembers what came back and compares it with the model run alone.
struct SimulatedClient {
  let seed: UInt64
  var requests: [RequestID: GenerationRequest] = [:]
  var streams: [SequenceID: Stream] = [:]
  var refused: [RequestID: String] = [:]
  var randomKeys: [SequenceID: UInt64] = [:]
  /// Requests whose stop text appears after so many tokens of a completion.
  var stopsAfter: [RequestID: Int] = [:]

  struct Stream {
    var request: RequestID
    var completion: Int
    var tokens: [TokenID] = []
    var scores: [Float] = []
    var end: FinishedSequence?

    var failed: Bool { if case .failure = end?.cause { true } else { false } }
  }

  /// Every request has ended or was refused.
  var isDone: Bool {
    let over = Set(streams.values.filter { $0.end?.isLast == true }.map(\.request)).union(refused.keys)
    return over.count == requests.count
  }

  init(seed: UInt64) {
    self.seed = seed
  }

  mutating func note(_ admission: SequenceAdmission) {
    if let known = randomKeys.updateValue(admission.randomKey, forKey: admission.sequence) {
      #expect(known == admission.randomKey, "seed \(seed): another random key after a preemption")
    }
    let known = streams[admission.sequence]?.tokens ?? []
    #expect(
      known == admission.outputTokens, "seed \(seed): the workers are told other tokens than the client")
  }

  /// Takes a token; returns the completion when its stop text is now complete.
  mutating func note(_ token: EmittedToken, at now: Timestamp) -> Int? {
    var stream = streams[token.sequence] ?? Stream(request: token.request, completion: token.completion)
    #expect(stream.end == nil, "seed \(seed): a token after the end")
    #expect(token.index == stream.tokens.count, "seed \(seed): a token lost or repeated")
    if let deadline = requests[token.request]?.deadline {
      #expect(now < deadline, "seed \(seed): a token after the deadline")
    }
    stream.tokens.append(token.token)
    streams[token.sequence] = stream
    return stopsAfter[token.request] == stream.tokens.count ? token.completion : nil
  }

  mutating func note(_ payload: SequencePayload) {
    let request = payload.request
    streams[payload.sequence, default: Stream(request: request, completion: payload.completion)].scores +=
      payload.payload.floats
  }

  mutating func note(_ end: FinishedSequence) {
    var stream = streams[end.sequence] ?? Stream(request: end.request, completion: end.completion)
    #expect(stream.end == nil, "seed \(seed): ended twice")
    #expect(end.numOutputTokens == stream.tokens.count, "seed \(seed)")
    stream.end = end
    streams[end.sequence] = stream
  }

  mutating func note(refused request: RequestID, _ text: String) {
    #expect(refused.updateValue(text, forKey: request) == nil, "seed \(seed): refused twice")
  }

  /// Every request ended, and every token is the model's own.
  func check(_ model: FakeModel, _ limits: SchedulerLimits) {
    for (id, request) in requests {
      let mine = streams.filter { $0.value.request == id }
      if refused[id] != nil {
        #expect(mine.isEmpty, "seed \(seed): \(id) was refused and yet got output")
        continue
      }
      #expect(mine.count == request.sampling.n, "seed \(seed): \(id) has \(mine.count) ended completions")
      #expect(mine.values.filter { $0.end?.isLast == true }.count == 1, "seed \(seed): \(id)")
      for (sequence, stream) in mine { check(stream, sequence, request, model, limits) }
    }
  }

  private func check(
    _ stream: Stream, _ sequence: SequenceID, _ request: GenerationRequest, _ model: FakeModel,
    _ limits: SchedulerLimits
  ) {
    guard let end = stream.end else {
      Issue.record("seed \(seed): \(sequence) never ended")
      return
    }
    guard request.outputs.contains(.sample) else {
      if end.cause == .outputsComplete {
        #expect(stream.scores == scores(request.promptTokens, model), "seed \(seed): \(sequence)")
      }
      return
    }
    guard let key = randomKeys[sequence] else {
      #expect(stream.tokens.isEmpty && end.cause.reason == .abort, "seed \(seed): \(sequence) never ran")
      return
    }
    let alone = model.outputAlone(
      prompt: request.promptTokens, sampling: request.sampling, randomKey: key,
      endOfSequence: limits.endOfSequenceTokens, limit: limits.lengthLimit)
    switch end.cause {
    case .endOfSequence, .stopToken, .maxTokens, .modelLength:
      #expect(stream.tokens == alone, "seed \(seed): \(sequence) changed its tokens")
    case .stopString:
      #expect(stream.tokens.count >= stopsAfter[request.id]!, "seed \(seed)")
      #expect(stream.tokens == Array(alone.prefix(stream.tokens.count)), "seed \(seed): \(sequence)")
    case .cancelled, .deadline, .failure:
      #expect(stream.tokens == Array(alone.prefix(stream.tokens.count)), "seed \(seed): \(sequence)")
    case .outputsComplete: Issue.record("seed \(seed): \(sequence) sampled, but ended as if it did not")
    }
  }

  private func scores(_ prompt: [TokenID], _ model: FakeModel) -> [Float] {
    var state: UInt64?
    var scores: [Float] = []
    for (token, next) in zip(prompt, prompt.dropFirst()) {
      state = model.state(after: state, token)
      scores.append(model.score(state!, next))
    }
    return scores
  }
}
