package import Parsing
package import Wire

/// Compares a run with faults against the fault-free one, token by token.
package struct DrillVerdict: Sendable {
  package var passed: Bool
  package var total: Int
  package var completed: Int
  /// Tokens that are missing, that came twice or out of turn, and streams whose tokens differ.
  package var lost: Int
  package var duplicated: Int
  package var changed: Int
  /// Why it is not what the plan expects, as far as tokens do not say it.
  package var complaint: String?

  package init(_ outcome: DrillOutcome, reference: [[TokenID]], plan: FaultPlan) {
    total = reference.count
    completed = outcome.finished
    duplicated = outcome.outOfOrder
    lost = 0
    changed = 0
    for (stream, expected) in zip(outcome.streams, reference) {
      lost += max(0, expected.count - stream.count)
      if !zip(stream, expected).allSatisfy({ $0 == $1 }) || stream.count > expected.count { changed += 1 }
    }
    let isIntact = duplicated == 0 && changed == 0
    complaint = Self.complaint(outcome, plan)
    passed =
      complaint == nil && isIntact && (plan.expectsSuccess ? lost == 0 && completed == total : true)
  }

  private static func complaint(_ outcome: DrillOutcome, _ plan: FaultPlan) -> String? {
    guard plan.expectsSuccess else {
      guard let failure = outcome.failure else { return "the run was expected to fail and did not" }
      guard let text = plan.expectedError, !failure.contains(text) else { return nil }
      return "the error was expected to say '\(text)': \(failure)"
    }
    if let failure = outcome.failure { return failure }
    if let problem = outcome.problems.first { return problem }
    if let visitor = outcome.faults.first(where: {
      $0.fault.kind.isVisitor && $0.injected != nil && $0.detected == nil
    }) {
      return "the \(visitor.fault.kind.rawValue) visitor was not turned away"
    }
    guard plan.needsEveryFault else { return nil }
    if let idle = outcome.faults.first(where: { $0.injected == nil }) {
      return
        "the fault \(idle.fault.kind.rawValue) found no occasion in this run; make it longer with --max-tokens"
    }
    let breaks = outcome.faults.contains { $0.fault.kind.isLink && !$0.fault.kind.isShaping }
    if breaks, !outcome.links.isEmpty, outcome.links.allSatisfy({ $0.faults == 0 }),
      !outcome.faults.contains(where: { $0.detected != nil })
    {
      return "no frame met the faults of the links; make the run longer with --max-tokens"
    }
    return nil
  }

  /// The counts of the contracts.
  package var requests: JSONValue {
    .object(
      JSONObject([
        (key: "total", value: .integer(Int64(total))), (key: "completed", value: .integer(Int64(completed))),
        (key: "lost", value: .integer(Int64(lost))), (key: "duplicated", value: .integer(Int64(duplicated))),
        (key: "changed", value: .integer(Int64(changed))),
      ]))
  }
}

/// Median, 90th percentile and maximum of some times.
package struct TimeSpread: Sendable {
  private var values: [Double] = []

  package init() {}

  package mutating func add(_ value: Double) { values.append(value) }

  package var count: Int { values.count }
  package var median: Double { percentile(0.5) }
  package var ninetieth: Double { percentile(0.9) }
  package var longest: Double { values.max() ?? 0 }

  private func percentile(_ part: Double) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
  }

  package var json: JSONValue {
    .object(
      JSONObject([
        (key: "count", value: .integer(Int64(count))), (key: "median", value: .number(median)),
        (key: "p90", value: .number(ninetieth)), (key: "max", value: .number(longest)),
      ]))
  }
}
