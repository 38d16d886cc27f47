package import Engine
package import Journaling
package import Scheduling
package import Tokenization
package import Wire

/// One prompt of a run: its tokens, and the text that they came from if there was one.
package struct PromptInput: Sendable, Hashable {
  package var text: String?
  package var tokens: [TokenID]

  package init(text: String? = nil, tokens: [TokenID]) {
    self.text = text
    self.tokens = tokens
  }
}

/// One completion of one prompt.
package struct Completion: Sendable, Hashable {
  /// Prompt index times `n` plus the completion's number.
  package var index: Int
  package var prompt: [TokenID]
  package var tokens: [TokenID] = []
  package var text = ""
  package var finishReason: FinishReason?
  package var logprobs: [TokenLogprobs] = []
  /// Why the engine gave up, when it did.
  package var failure: String?
}

/// Generates text for a list of prompts on a running mesh.
///
/// Tokens become text as they come: only whole characters are shown, and nothing of a stop string. A run that was cut
/// short goes on from its journal: what is known is neither computed nor shown again.
package struct GenerationRun {
  private let prompts: [PromptInput]
  private let sampling: SamplingParameters
  private let clock = ContinuousClock()

  private var texts: [CompletionText]
  private var completions: [Completion]
  /// Completions whose stop string was in what is known.
  private var stopped: Set<Int> = []
  private var knownTokens = 0
  /// Requests that the journal holds already.
  private let accepted: Set<RequestID>
  /// The next prompt to hand in, and the sequences that are under way: never more than the queue takes.
  private var nextPrompt = 0
  private var open = 0
  private let ending = Ending()
  /// Completions that have got a token in this run.
  private var begun: Set<Int> = []
  private var firstTokenAt: ContinuousClock.Instant?
  private var allFirstTokensAt: ContinuousClock.Instant?

  /// - Parameter contents: the journal of an earlier run of the first of these prompts.
  package init(
    tokenizer: Tokenizer?, prompts: [PromptInput], sampling: SamplingParameters,
    resuming contents: JournalContents = JournalContents()
  ) {
    self.prompts = prompts
    self.sampling = sampling
    accepted = Set(contents.requests.map(\.request.id))
    completions = []
    texts = []
    for (index, prompt) in prompts.enumerated() {
      for completion in 0..<sampling.n {
        completions.append(Completion(index: index * sampling.n + completion, prompt: prompt.tokens))
        texts.append(CompletionText(tokenizer: tokenizer, stops: sampling.stop))
      }
    }
    for entry in contents.requests {
      for completion in 0..<sampling.n {
        take(entry.output(completion), at: Int(entry.request.id.rawValue) * sampling.n + completion)
      }
    }
  }

  /// Rebuilds a completion from what was written down.
  private mutating func take(_ known: JournalContents.Output, at place: Int) {
    for token in known.tokens where !stopped.contains(place) {
      let piece = texts[place].append(token)
      completions[place].text += piece.text
      if piece.stopped { stopped.insert(place) }
    }
    completions[place].tokens = known.tokens
    completions[place].logprobs = known.logprobs
    completions[place].finishReason = known.finish
    if known.finish != nil { completions[place].text += texts[place].flush() }
    knownTokens += known.tokens.count
  }

  /// Every completion is there without computing anything.
  package var isOver: Bool { completions.allSatisfy { $0.finishReason != nil } }

  /// What there is so far.
  package var soFar: [Completion] { completions }

  /// Runs all prompts to their end.
  ///
  /// - Parameters:
  ///   - show: gets each piece of text as soon as it is certain, with the completion's index.
  ///   - takeInterrupt: asked when a signal has come; true ends the answers here and the mesh runs on, false throws.
  /// - Throws: `EngineError` when the mesh fails or a prompt is refused.
  package mutating func run(
    on engine: MeshEngine, takeInterrupt: () -> Bool = { false },
    show: (Int, String) throws -> Void = { _, _ in }
  ) throws -> (completions: [Completion], timing: RunTiming) {
    let started = clock.now
    let expected = completions.count { $0.finishReason == nil }
    feed(engine)
    var failure: (any Error)?
    try runEngine(engine, takeInterrupt) { event in
      guard failure == nil else { return }
      do {
        try handle(event, engine, expected, show)
      } catch {
        failure = error
        cancelAll(engine)
      }
    }
    if let failure { throw failure }
    if let signal = engine.drainSignal, nextPrompt < prompts.count {
      throw EngineError(.interrupted(signal: signal), "\(prompts.count - nextPrompt) prompts were not begun")
    }
    return (completions, timing(since: started))
  }

  /// Hands in as many prompts as the queue takes.
  private mutating func feed(_ engine: MeshEngine) {
    guard engine.drainSignal == nil, !ending.isDue else { return }
    while nextPrompt < prompts.count, open + sampling.n <= max(sampling.n, engine.mostOpenSequences) {
      submit(nextPrompt, to: engine)
      nextPrompt += 1
    }
  }

  private mutating func submit(_ index: Int, to engine: MeshEngine) {
    let mine = (index * sampling.n)..<((index + 1) * sampling.n)
    let unfinished = mine.count { completions[$0].finishReason == nil }
    guard unfinished > 0 else { return }
    open += unfinished
    let id = RequestID(rawValue: UInt64(index))
    var request = GenerationRequest(id: id, promptTokens: prompts[index].tokens, sampling: sampling)
    // What the journal holds is not accepted anew, be there tokens or not.
    if accepted.contains(id) {
      request.known = mine.map {
        KnownOutput(tokens: completions[$0].tokens, isOver: completions[$0].finishReason != nil)
      }
    }
    engine.journal?.texts[id] = prompts[index].text
    engine.submit(request)
    for place in mine where stopped.contains(place) && completions[place].finishReason == nil {
      engine.stop(id, completion: place - mine.lowerBound)
    }
  }

  private func runEngine(
    _ engine: MeshEngine, _ takeInterrupt: () -> Bool, _ observe: (EngineEvent) -> Void
  ) throws(EngineError) {
    while true {
      do throws(EngineError) {
        return try engine.run(observe)
      } catch {
        guard case .interrupted = error.kind, takeInterrupt() else { throw error }
        cancelAll(engine)
      }
    }
  }

  private func cancelAll(_ engine: MeshEngine) {
    ending.isDue = true
    for index in prompts.indices { engine.cancel(RequestID(rawValue: UInt64(index))) }
  }

  /// Set when no more prompts are to be handed in, wherever that is found out.
  private final class Ending {
    var isDue = false
  }

  private mutating func handle(
    _ event: EngineEvent, _ engine: MeshEngine, _ expected: Int, _ show: (Int, String) throws -> Void
  ) throws {
    switch event {
    case .token(let token):
      let place = Int(token.request.rawValue) * sampling.n + token.completion
      noteToken(place, expected)
      completions[place].tokens.append(token.token)
      if let logprobs = token.logprobs { completions[place].logprobs.append(logprobs) }
      let piece = texts[place].append(token.token)
      completions[place].text += piece.text
      if !piece.text.isEmpty { try show(place, piece.text) }
      if piece.stopped { engine.stop(token.request, completion: token.completion) }
    case .finished(let end):
      let place = Int(end.request.rawValue) * sampling.n + end.completion
      completions[place].finishReason = end.cause.reason
      if case .failure(let text) = end.cause { completions[place].failure = text }
      let rest = texts[place].flush()
      completions[place].text += rest
      if !rest.isEmpty { try show(place, rest) }
      open -= 1
      feed(engine)
    case .refused(let id, let reason):
      throw EngineError(
        reason.kind == .invalid ? .configuration : .failure, "prompt \(id.rawValue): \(reason)")
    case .loading, .ready, .alarm, .payload, .membership: break
    }
  }

  private mutating func noteToken(_ place: Int, _ expected: Int) {
    guard begun.count < expected, begun.insert(place).inserted else { return }
    let now = clock.now
    if firstTokenAt == nil { firstTokenAt = now }
    if begun.count == expected { allFirstTokensAt = now }
  }

  private func timing(since started: ContinuousClock.Instant) -> RunTiming {
    var timing = RunTiming()
    let ended = clock.now
    timing.outputTokens = completions.reduce(0) { $0 + $1.tokens.count } - knownTokens
    guard let first = firstTokenAt else { return timing }
    timing.timeToFirstTokenSeconds = (first - started) / .seconds(1)
    let prefillEnd = allFirstTokensAt ?? first
    let promptTokens = prompts.reduce(0) { $0 + $1.tokens.count }
    timing.prefillTokensPerSecond = Double(promptTokens) / max((prefillEnd - started) / .seconds(1), 1e-9)
    let decodeSeconds = (ended - first) / .seconds(1)
    let decoded = timing.outputTokens - begun.count
    timing.decodeTokensPerSecond = decodeSeconds > 0 ? Double(decoded) / decodeSeconds : 0
    return timing
  }
}
