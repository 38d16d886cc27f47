package import Parsing
internal import Presentation

/// What is printed of a preflight.
package struct PreflightReport {
  private let outcome: PreflightOutcome
  private let verdict: PreflightVerdict

  package init(_ outcome: PreflightOutcome, _ verdict: PreflightVerdict) {
    self.outcome = outcome
    self.verdict = verdict
  }

  /// Hosts beyond which the matrix of links is left out.
  private static let widestMatrix = 12

  package var text: String {
    var parts = [hosts.text]
    if outcome.nodes.count > 1, outcome.nodes.count <= Self.widestMatrix {
      parts.append("Round trip, and MB/s from the row's host to the column's, encrypted as in a run:")
      parts.append(matrix.text)
    } else if outcome.nodes.count > 1 {
      parts.append(summary)
    }
    if !verdict.findings.isEmpty {
      parts.append(
        verdict.findings.map { "\(mark($0.severity)): \(name($0.subject)) \($0.text)" }
          .joined(separator: "\n"))
    }
    let failures = verdict.findings.count { $0.severity == .failure }
    let warnings = verdict.findings.count - failures
    parts.append(
      "verdict: \(verdict.passed ? "pass" : "fail"); \(failures) failures, \(warnings) warnings on "
        + "\(outcome.nodes.count) hosts and \(outcome.links.count) links")
    return parts.joined(separator: "\n\n")
  }

  private var hosts: Table {
    var table = Table([
      ("host", .left), ("verdict", .left), ("build", .left), ("libzmq", .left), ("CPUs", .right),
      ("NUMA", .right), ("kernels", .left), ("memory free", .right), ("disk free", .right), ("clock", .right),
      ("checkpoint", .left),
    ])
    for (place, node) in outcome.nodes.enumerated() {
      let verdict = mark(verdict.severity(of: .node(place)))
      guard let facts = node.facts else {
        table.add([node.host, verdict] + Array(repeating: "-", count: 9))
        continue
      }
      table.add([
        node.host, verdict, facts.buildID, facts.zmqVersion, "\(facts.numCPUs)", "\(facts.cpusByNode.count)",
        facts.instructionSet, Numbers.bytes(facts.availableMemory), Numbers.bytes(facts.freeDisk),
        node.clockOffset.map { Numbers.decimal($0 * 1000, digits: 2) + " ms" } ?? "-", checkpoint(node),
      ])
    }
    return table
  }

  private func checkpoint(_ node: NodeObservation) -> String {
    guard let checkpoint = node.checkpoint else { return "-" }
    if !checkpoint.missing.isEmpty { return "\(checkpoint.missing.count) files missing" }
    if checkpoint.problem != nil { return "broken" }
    return "\(checkpoint.files.count) files, \(Numbers.bytes(checkpoint.byteCount))"
  }

  private var matrix: Table {
    var table = Table([("", .left)] + outcome.nodes.map { ($0.host, .right) })
    for row in outcome.nodes.indices {
      table.add(
        [outcome.nodes[row].host]
          + outcome.nodes.indices.map { column in row == column ? "-" : cell(row, column) })
    }
    return table
  }

  private func cell(_ row: Int, _ column: Int) -> String {
    let (first, second) = (min(row, column), max(row, column))
    guard let link = outcome.links.first(where: { $0.first == first && $0.second == second }) else {
      return "?"
    }
    guard let figures = link.figures else { return "FAIL" }
    let rate = row == first ? figures.forwardBytesPerSecond : figures.backwardBytesPerSecond
    let mark = verdict.severity(of: .link(first, second)) == nil ? "" : " SLOW"
    return
      "\(Numbers.duration(seconds: figures.roundTripMicroseconds / 1e6)) \(Numbers.threeDigits(rate / 1e6))\(mark)"
  }

  private var summary: String {
    let figures = outcome.links.compactMap(\.figures)
    let trip = PreflightVerdict.median(figures.map(\.roundTripMicroseconds))
    let rate = PreflightVerdict.median(figures.map(\.bytesPerSecond))
    return "Links: \(figures.count) of \(outcome.links.count) measured; median "
      + "\(Numbers.duration(seconds: trip / 1e6)) round trip, \(Numbers.threeDigits(rate / 1e6)) MB/s; the matrix is "
      + "in --output json"
  }

  private func mark(_ severity: Finding.Severity?) -> String {
    switch severity {
    case nil: "ok"
    case .warning: "warning"
    case .failure: "FAIL"
    }
  }

  private func name(_ subject: Finding.Subject) -> String {
    switch subject {
    case .node(let place): outcome.nodes[place].host
    case .link(let first, let second):
      "the link \(outcome.nodes[first].host) - \(outcome.nodes[second].host)"
    }
  }

  package var json: JSONValue {
    .members([
      "verdict": .string(verdict.passed ? "pass" : "fail"),
      "hosts": .array(
        outcome.nodes.enumerated().map { place, node in
          .members([
            "host": .string(node.host), "verdict": .string(mark(verdict.severity(of: .node(place)))),
            "facts": node.facts?.json ?? .null, "checkpoint": node.checkpoint?.json ?? .null,
            "reached": .bool(node.hasJoined), "clock_offset_s": node.clockOffset.map { .number($0) } ?? .null,
          ])
        }),
      "links": .array(outcome.links.map(json)),
      "findings": .array(
        verdict.findings.map {
          .members([
            "severity": .string($0.severity.rawValue), "subject": .string(name($0.subject)),
            "text": .string($0.text),
          ])
        }),
    ])
  }

  private func json(_ link: LinkObservation) -> JSONValue {
    .members([
      "from": .string(outcome.nodes[link.first].host), "to": .string(outcome.nodes[link.second].host),
      "verdict": .string(mark(verdict.severity(of: .link(link.first, link.second)))),
      "round_trip_us": link.figures.map { .number($0.roundTripMicroseconds) } ?? .null,
      "bytes_per_s": link.figures.map { .number($0.forwardBytesPerSecond) } ?? .null,
      "bytes_per_s_back": link.figures.map { .number($0.backwardBytesPerSecond) } ?? .null,
      "problem": link.problem.isEmpty ? .null : .string(link.problem),
    ])
  }
}
