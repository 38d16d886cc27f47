package import Engine
internal import Foundation
internal import Scheduling
package import Wire

/// Perplexity of a text over non-overlapping windows.
///
/// Each window is computed alone from position 0 without a beginning-of-text token; positions 1 and up are scored; the
/// last, partial window is dropped. The result is exp(sum of negative log-probabilities / scored tokens).
package struct PerplexityRun {
  package struct Outcome: Sendable, Hashable {
    package var perplexity: Double
    package var tokens: Int
    package var windows: Int
  }

  private let engine: MeshEngine
  private let window: Int

  package init(engine: MeshEngine, window: Int) {
    self.engine = engine
    self.window = window
  }

  /// - Throws: `EngineError` when the text has no full window or the mesh fails.
  package func run(_ tokens: [TokenID], progress: (Int, Int) -> Void = { _, _ in }) throws -> Outcome {
    let windows = tokens.count / window
    guard windows > 0, window >= 2 else {
      throw EngineError(
        .configuration,
        "the text has \(tokens.count) tokens, fewer than one window of \(window); give a longer text or a"
          + " --window of 2 to \(max(2, tokens.count))"
      )
    }
    var sums = Array(repeating: 0.0, count: windows)
    var scored = Array(repeating: 0, count: windows)
    var done = 0
    var refusal: EngineError?
    for index in 0..<windows {
      let slice = Array(tokens[index * window..<(index + 1) * window])
      engine.submit(
        GenerationRequest(
          id: RequestID(rawValue: UInt64(index)), promptTokens: slice, outputs: .scoreTargets))
    }
    try engine.run { event in
      switch event {
      case .payload(let payload) where payload.payload.kind == .scores:
        let place = Int(payload.request.rawValue)
        // The last position of the window has no next token: its score is left out.
        let values = payload.payload.floats.prefix(window - 1 - scored[place])
        for value in values { sums[place] -= Double(value) }
        scored[place] += values.count
      case .finished(let end):
        done += 1
        progress(done, windows)
        if case .failure(let text) = end.cause { refusal = EngineError(.failure, text) }
      case .refused(let id, let text):
        refusal = EngineError(.configuration, "window \(id.rawValue): \(text)")
      default: break
      }
    }
    if let refusal { throw refusal }
    let total = sums.reduce(0, +)
    let count = scored.reduce(0, +)
    return Outcome(perplexity: exp(total / Double(count)), tokens: count, windows: windows)
  }
}
