internal import Tokenization
internal import Wire

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
