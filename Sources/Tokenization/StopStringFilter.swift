/// Cuts a stream of text at the first stop string.
///
/// Text that may be the beginning of a stop string is held back until that is decided, so neither a stop string nor
/// anything after it ever gets out. What is cut does not depend on how the text is divided into parts: the stop string
/// that is complete first counts, the longest of those that end together.
package struct StopStringFilter: Sendable {
  private let stops: [[UInt8]]
  private let longest: Int
  private var held: [UInt8] = []
  private var isStopped = false

  /// Empty stop strings are left out.
  package init(_ stops: [String]) {
    self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    longest = self.stops.map(\.count).max() ?? 0
  }

  /// The text that may be shown now, and whether a stop string has been met.
  package mutating func append(_ text: String) -> (text: String, stopped: Bool) {
    if isStopped { return ("", true) }
    if stops.isEmpty { return (text, false) }
    let all = held + text.utf8
    if let start = firstStop(in: all) {
      isStopped = true
      held = []
      return (String(decoding: all[..<start], as: UTF8.self), true)
    }
    let heldCount = stops.reduce(0) { max($0, PartialMatch.suffixLength(of: all[...], in: $1)) }
    held = Array(all.suffix(heldCount))
    return (String(decoding: all.dropLast(heldCount), as: UTF8.self), false)
  }

  /// What was held back, when the text has ended.
  package mutating func flush() -> String {
    let text = String(decoding: held, as: UTF8.self)
    held = []
    return text
  }

  /// Where the stop string that is complete first begins.
  private func firstStop(in text: [UInt8]) -> Int? {
    // Everything before the new text has been looked at, but a stop string may begin there.
    for end in text.indices {
      var start: Int?
      for stop in stops where stop.count <= end + 1 && stop[stop.count - 1] == text[end] {
        let candidate = end + 1 - stop.count
        if text[candidate...end].elementsEqual(stop) { start = min(start ?? candidate, candidate) }
      }
      if let start { return start }
    }
    return nil
  }
}
