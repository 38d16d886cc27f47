internal import Foundation
internal import Synchronization

/// A progress bar on standard error, shown only in a terminal and redrawn at most ten times a second.
///
/// Any thread may report. Long work of many ranks is one bar: the sum over ranks, and the slowest of them.
package final class Progress: Sendable {
  private struct State {
    var parts: [Int: (done: Int, total: Int)] = [:]
    var lastDrawn: ContinuousClock.Instant?
    var visible = false
  }

  private let title: String
  private let shown: Bool
  private let numParts: Int
  private let started = ContinuousClock.now
  private let state = Mutex(State())

  /// `numParts` ranks will report; `shown` is for tests.
  package init(_ title: String, numParts: Int = 1, shown: Bool = Terminal.showsProgress) {
    self.title = title
    self.numParts = numParts
    self.shown = shown
  }

  /// `part` (a rank) has done so many of its `total` bytes or items.
  package func report(part: Int = 0, done: Int, total: Int) {
    guard shown else { return }
    let line: String? = state.withLock { state in
      state.parts[part] = (done, total)
      let now = ContinuousClock.now
      if let last = state.lastDrawn, now - last < .milliseconds(100), done < total { return nil }
      state.lastDrawn = now
      state.visible = true
      return Self.line(title, parts: state.parts, numParts: numParts, elapsed: now - started)
    }
    if let line { Terminal.noteRaw("\r\u{1B}[K" + line) }
  }

  /// Takes the bar away.
  package func finish() {
    let visible = state.withLock { state in
      defer { state.visible = false }
      return state.visible
    }
    if visible { Terminal.noteRaw("\r\u{1B}[K") }
  }

  /// The bar as text of at most 79 columns, for instance `Loading [#####-----] 50 %  12.0 of 24.0 MiB`.
  package static func line(
    _ title: String, parts: [Int: (done: Int, total: Int)], numParts: Int, elapsed: Duration
  ) -> String {
    let done = parts.values.reduce(0) { $0 + max(0, $1.done) }
    // Parts that have not spoken yet count as large as the average of the others.
    let known = parts.values.reduce(0) { $0 + max(0, $1.total) }
    let total = parts.isEmpty ? 0 : known / parts.count * max(numParts, parts.count)
    let fraction = total > 0 ? min(1, Double(done) / Double(total)) : 0
    let filled = Int(fraction * 20)
    let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 20 - filled)
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    var text = "\(title) [\(bar)] \(Int(fraction * 100)) %  \(Numbers.bytes(done))"
    if seconds > 0.5 { text += "  \(Numbers.bytes(Int(Double(done) / seconds)))/s" }
    let behind = parts.filter { $0.value.done < $0.value.total }.min { ratio($0.value) < ratio($1.value) }
    if numParts > 1, let behind { text += "  rank \(behind.key) at \(Int(ratio(behind.value) * 100)) %" }
    return String(text.prefix(79))
  }

  private static func ratio(_ part: (done: Int, total: Int)) -> Double {
    part.total > 0 ? Double(part.done) / Double(part.total) : 0
  }
}
