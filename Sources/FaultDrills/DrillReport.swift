internal import Foundation
internal import Wire

/// The HTML page of one drill: verdict, faults, and a picture of what happened when. Needs nothing beside itself.
package enum DrillReport {
  /// The whole page.
  package static func html(
    title: String, mesh: String, ranks: Int, plan: FaultPlan, outcome: DrillOutcome, verdict: DrillVerdict
  ) -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><title>\(escaped(title))</title>
    <style>
      body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #1b1f24 }
      table { border-collapse: collapse; margin: 1rem 0; width: 100% }
      td, th { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top }
      th { border-bottom: 2px solid #444 } td { border-bottom: 1px solid #ddd }
      .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
      .pass { color: #146c2e } .fail { color: #b3261e } svg { width: 100%; height: auto; margin-top: 1rem }
      .key span { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; vertical-align: -.1em }
    </style></head><body>
    <h1>\(escaped(title))</h1>
    <p>Mesh \(escaped(mesh)), \(ranks) ranks. Verdict: <strong class="\(verdict.passed ? "pass" : "fail")">\
    \(verdict.passed ? "pass" : "fail")</strong> (\(plan.expectsSuccess ? "all tokens" : "an error") expected). \
    \(verdict.completed) of \(verdict.total) requests completed in \(decimal(outcome.milliseconds)) ms, \
    \(verdict.lost) tokens lost, \(verdict.duplicated) repeated, \(verdict.changed) streams changed.</p>
    \(outcome.failure.map { "<p>The run ended: \(escaped($0)).</p>" } ?? "")
    \(verdict.complaint.map { "<p>Not as expected: \(escaped($0)).</p>" } ?? "")
    \(DrillPicture(ranks: ranks, outcome: outcome).svg)
    <h2>Faults</h2>
    <table><tr><th>Fault</th><th>Where</th><th class="number">Injected</th><th class="number">Detected after</th>\
    <th class="number">Recovered after detection</th><th class="number">First token after recovery</th></tr>
    \(outcome.faults.map(row).joined(separator: "\n"))
    </table>
    \(links(outcome.links))
    <h2>What happened</h2>
    <table><tr><th class="number">Time</th><th>Rank</th><th>Event</th></tr>
    \(outcome.story.map { entry in
      "<tr><td class='number'>\(decimal(entry.milliseconds)) ms</td><td>\(entry.rank.map(String.init) ?? "all")</td>"
        + "<td>\(escaped(entry.text))</td></tr>"
    }.joined(separator: "\n"))
    </table></body></html>
    """
  }

  private static func row(_ times: DrillOutcome.FaultTimes) -> String {
    func cell(_ text: String) -> String { "<td class='number'>\(text)</td>" }
    func span(_ from: Double?, _ to: Double?) -> String? {
      from.flatMap { from in to.map { decimal($0 - from) + " ms" } }
    }
    let missing = times.fault.kind.isTolerated && !times.fault.kind.isVisitor ? "tolerated" : "-"
    return "<tr><td>\(times.fault.kind.rawValue)</td><td>\(place(times.fault))</td>"
      + cell(times.injected.map { decimal($0) + " ms" } ?? "not in this run")
      + cell(span(times.injected, times.detected) ?? missing)
      + cell(span(times.detected, times.recovered) ?? "-")
      + cell(span(times.recovered, times.firstToken) ?? "-") + "</tr>"
  }

  private static func place(_ fault: Fault) -> String {
    switch fault.target {
    case .ranks(let ranks):
      "rank" + (ranks.count > 1 ? "s " : " ") + ranks.map { "\($0)" }.joined(separator: ", ")
    case .link(let from, let to): "link from \(from) to \(to)"
    case .everywhere:
      fault.kind.isLink ? "all links" : fault.kind.concernsCoordinator ? "the coordinator" : "the host"
    }
  }

  private static func links(_ reports: [LinkReport]) -> String {
    guard !reports.isEmpty else { return "" }
    let rows = reports.map { report in
      let values = [
        report.faults, report.delayedFrames, report.malformedFrames, report.duplicateFrames,
        report.staleFrames,
      ]
      return "<tr><td>\(report.rank)</td>" + values.map { "<td class='number'>\($0)</td>" }.joined() + "</tr>"
    }
    return """
      <h2>Frames</h2>
      <table><tr><th>Rank</th><th class="number">broken when sent</th><th class="number">held back</th>\
      <th class="number">malformed, refused</th><th class="number">second or late, dropped</th>\
      <th class="number">of an old epoch, dropped</th></tr>
      \(rows.joined(separator: "\n"))
      </table>
      """
  }

  static func decimal(_ value: Double) -> String { String(format: "%.1f", value) }

  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
