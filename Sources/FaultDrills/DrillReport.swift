internal import Foundation

/// The HTML page of one drill: verdict, faults, and a picture of what happened when. Needs nothing beside itself.
package enum DrillReport {
  /// The whole page.
  package static func html(
    title: String, mesh: String, ranks: Int, outcome: DrillOutcome, verdict: DrillVerdict
  ) -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><title>\(escaped(title))</title>
    <style>
      body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #1b1f24 }
      table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .3rem .8rem; text-align: left }
      th { border-bottom: 2px solid #444 } td { border-bottom: 1px solid #ddd }
      .pass { color: #146c2e } .fail { color: #b3261e } svg { width: 100%; height: auto }
    </style></head><body>
    <h1>\(escaped(title))</h1>
    <p>Mesh \(escaped(mesh)). Verdict: <strong class="\(verdict.passed ? "pass" : "fail")">\
    \(verdict.passed ? "pass" : "fail")</strong>. \(verdict.completed) of \(verdict.total) requests completed,
    \(verdict.lost) tokens lost, \(verdict.duplicated) repeated, \(verdict.changed) streams changed.</p>
    \(outcome.failure.map { "<p>The run ended: \(escaped($0)).</p>" } ?? "")
    \(picture(ranks: ranks, outcome))
    <table><tr><th>Fault</th><th>Rank</th><th>Injected</th><th>Detected after</th><th>Recovered after</th></tr>
    \(outcome.faults.map(row).joined(separator: "\n"))
    </table>
    <table><tr><th>Time</th><th>Rank</th><th>What happened</th></tr>
    \(outcome.story.map { entry in
      "<tr><td>\(decimal(entry.milliseconds)) ms</td><td>\(entry.rank.map(String.init) ?? "all")</td>"
        + "<td>\(escaped(entry.text))</td></tr>"
    }.joined(separator: "\n"))
    </table></body></html>
    """
  }

  private static func row(_ times: DrillOutcome.FaultTimes) -> String {
    func after(_ moment: Double?) -> String {
      guard let moment, let injected = times.injected else { return "-" }
      return decimal(moment - injected) + " ms"
    }
    return "<tr><td>\(times.fault.kind.rawValue)</td><td>\(times.fault.rank)</td>"
      + "<td>\(times.injected.map { decimal($0) + " ms" } ?? "not in this run")</td>"
      + "<td>\(after(times.detected))</td><td>\(after(times.recovered))</td></tr>"
  }

  /// One lane for each rank; a red bar from the fault to its detection, an amber one until the streams go on.
  private static func picture(ranks: Int, _ outcome: DrillOutcome) -> String {
    let (left, width, lane) = (70.0, 830.0, 34.0)
    let height = lane * Double(ranks) + 50
    let scale = width / max(1, outcome.milliseconds)
    func x(_ milliseconds: Double) -> Double { left + milliseconds * scale }
    var parts: [String] = []
    for rank in 0..<ranks {
      let y = lane * Double(rank) + 20
      parts.append("<text x='0' y='\(y + 14)' font-size='13'>rank \(rank)</text>")
      parts.append("<rect x='\(left)' y='\(y)' width='\(width)' height='20' fill='#d7ead9'/>")
    }
    for times in outcome.faults {
      guard let injected = times.injected else { continue }
      let y = lane * Double(times.fault.rank) + 20
      let detected = times.detected ?? injected
      func bar(_ from: Double, _ to: Double, _ color: String, _ title: String) {
        parts.append(
          "<rect x='\(x(from))' y='\(y)' width='\(max(2, (to - from) * scale))' height='20' fill='\(color)'>"
            + "<title>\(escaped(title))</title></rect>")
      }
      bar(injected, detected, "#c5372c", "\(times.fault.kind.rawValue) until detected")
      if let recovered = times.recovered { bar(detected, recovered, "#e8a33d", "until the streams went on") }
      parts.append(
        "<text x='\(x(injected))' y='\(y - 3)' font-size='11'>\(times.fault.kind.rawValue)</text>")
    }
    for part in 0...4 {
      let moment = outcome.milliseconds * Double(part) / 4
      let anchor = part == 0 ? "start" : part == 4 ? "end" : "middle"
      parts.append(
        "<text x='\(x(moment))' y='\(height - 12)' font-size='12' text-anchor='\(anchor)'>\(decimal(moment)) ms</text>"
      )
    }
    return "<svg viewBox='0 0 \(left + width + 10) \(height)' role='img' aria-label='What happened when'>"
      + parts.joined() + "</svg>"
      + "<p>Green: the rank works. Red: broken and not yet noticed. Amber: noticed, and being replaced.</p>"
  }

  private static func decimal(_ value: Double) -> String { String(format: "%.1f", value) }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
