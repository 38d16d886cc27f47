package import Engine
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

/// How long a run took.
package struct RunTiming: Sendable, Hashable {
  package var loadSeconds = 0.0
  package var timeToFirstTokenSeconds = 0.0
  package var prefillTokensPerSecond = 0.0
  package var decodeTokensPerSecond = 0.0
  package var outputTokens = 0

  package init() {}

  /// Adds the time of a later run: rates are averages over tokens, the first token's time is that of the first run.
  package mutating func add(_ other: RunTiming) {
    if outputTokens == 0 { timeToFirstTokenSeconds = other.timeToFirstTokenSeconds }
    let mine = Double(outputTokens)
    let theirs = Double(other.outputTokens)
    func joined(_ rate: Double, _ otherRate: Double) -> Double {
      guard rate > 0, otherRate > 0 else { return max(rate, otherRate) }
      return (mine + theirs) / (mine / rate + theirs / otherRate)
    }
    prefillTokensPerSecond = joined(prefillTokensPerSecond, other.prefillTokensPerSecond)
    decodeTokensPerSecond = joined(decodeTokensPerSecond, other.decodeTokensPerSecond)
    outputTokens += other.outputTokens
  }
}

/// Generates text for a list of prompts on a running mesh.
///
/// Tokens become text as they come: only whole characters are shown, and nothing of a stop string.
package struct GenerationRun {
  private let engine: MeshEngine
  private let tokenizer: Tokenizer?
  private let prompts: [PromptInput]
  private let sampling: SamplingParameters
  private let clock = ContinuousClock()

  private var texts: [CompletionText]
  private var completions: [Completion]
  private var firstTokens = 0
  private var firstTokenAt: ContinuousClock.Instant?
  private var allFirstTokensAt: ContinuousClock.Instant?

  package init(
    engine: MeshEngine, tokenizer: Tokenizer?, prompts: [PromptInput], sampling: SamplingParameters
  ) {
    self.engine = engine
    self.tokenizer = tokenizer
    self.prompts = prompts
    self.sampling = sampling
    completions = []
    texts = []
    for (index, prompt) in prompts.enumerated() {
      for completion in 0..<sampling.n {
        completions.append(Completion(index: index * sampling.n + completion, prompt: prompt.tokens))
        texts.append(CompletionText(tokenizer: tokenizer, stops: sampling.stop))
      }
    }
  }

  /// Runs all prompts to their end.
  ///
  /// - Parameters:
  ///   - show: gets each piece of text as soon as it is certain, with the completion's index.
  ///   - takeInterrupt: asked when a signal has come; true ends the answers here and the mesh runs on, false throws.
  /// - Throws: `EngineError` when the mesh fails or a prompt is refused.
  package mutating func run(
    takeInterrupt: () -> Bool = { false }, show: (Int, String) throws -> Void = { _, _ in }
  ) throws -> (completions: [Completion], timing: RunTiming) {
    let started = clock.now
    for (index, prompt) in prompts.enumerated() {
      engine.submit(
        GenerationRequest(
          id: RequestID(rawValue: UInt64(index)), promptTokens: prompt.tokens, sampling: sampling))
    }
    var failure: (any Error)?
    try runEngine(takeInterrupt) { event in
      guard failure == nil else { return }
      do {
        try handle(event, show)
      } catch {
        failure = error
        cancelAll()
      }
    }
    if let failure { throw failure }
    return (completions, timing(since: started))
  }

  private func runEngine(_ takeInterrupt: () -> Bool, _ observe: (EngineEvent) -> Void) throws(EngineError) {
    while true {
      do throws(EngineError) {
        return try engine.run(observe)
      } catch {
        guard case .interrupted = error.kind, takeInterrupt() else { throw error }
        cancelAll()
      }
    }
  }

  private func cancelAll() {
    for index in prompts.indices { engine.cancel(RequestID(rawValue: UInt64(index))) }
  }

  private mutating func handle(_ event: EngineEvent, _ show: (Int, String) throws -> Void) throws {
    switch event {
    case .token(let token):
      let place = Int(token.request.rawValue) * sampling.n + token.completion
      noteToken(token)
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
    case .refused(let id, let text):
      throw EngineError(.configuration, "prompt \(id.rawValue): \(text)")
    case .loading, .ready, .payload, .membership: break
    }
  }

  private mutating func noteToken(_ token: EmittedToken) {
    guard token.index == 0 else { return }
    let now = clock.now
    firstTokens += 1
    if firstTokenAt == nil { firstTokenAt = now }
    if firstTokens == completions.count { allFirstTokensAt = now }
  }

  private func timing(since started: ContinuousClock.Instant) -> RunTiming {
    var timing = RunTiming()
    let ended = clock.now
    timing.outputTokens = completions.reduce(0) { $0 + $1.tokens.count }
    guard let first = firstTokenAt else { return timing }
    timing.timeToFirstTokenSeconds = (first - started) / .seconds(1)
    let prefillEnd = allFirstTokensAt ?? first
    let promptTokens = prompts.reduce(0) { $0 + $1.tokens.count }
    timing.prefillTokensPerSecond = Double(promptTokens) / max((prefillEnd - started) / .seconds(1), 1e-9)
    let decodeSeconds = (ended - first) / .seconds(1)
    let decoded = timing.outputTokens - firstTokens
    timing.decodeTokensPerSecond = decodeSeconds > 0 ? Double(decoded) / decodeSeconds : 0
    return timing
  }
}

/// Turns one completion's tokens into text without half characters or parts of stop strings.
struct CompletionText {
  private var detokenizer: StreamingDetokenizer?
  private var filter: StopStringFilter?
  private var isStopped = false

  init(tokenizer: Tokenizer?, stops: [String]) {
    detokenizer = tokenizer?.makeStreamingDetokenizer(skipSpecialTokens: true)
    filter = stops.isEmpty ? nil : StopStringFilter(stops)
  }

  mutating func append(_ token: TokenID) -> (text: String, stopped: Bool) {
    guard !isStopped, let text = detokenizer?.append(token.rawValue) else { return ("", false) }
    guard filter != nil, let result = filter?.append(text) else { return (text, false) }
    isStopped = result.stopped
    return result
  }

  /// What was held back at the end.
  mutating func flush() -> String {
    guard !isStopped, let rest = detokenizer?.flush() else { return "" }
    guard filter != nil, let result = filter?.append(rest) else { return rest }
    return result.stopped ? result.text : result.text + (filter?.flush() ?? "")
  }
}
