internal import Foundation
package import Parsing

/// Many drills in a row: how many passed, and how long detection and recovery took.
package struct DrillTally: Sendable {
  package private(set) var numDrills = 0
  package private(set) var failedSeeds: [UInt64] = []
  package private(set) var injected = 0
  package private(set) var lost = 0
  package private(set) var duplicated = 0
  package private(set) var changed = 0
  /// From the fault until it was noticed: by kind, where it was before the streams ended.
  package private(set) var detection: [Fault.Kind: TimeSpread] = [:]
  /// From its detection until the streams went on.
  package private(set) var recovery = TimeSpread()

  package init() {}

  package mutating func add(_ plan: FaultPlan, _ outcome: DrillOutcome, _ verdict: DrillVerdict) {
    numDrills += 1
    if !verdict.passed { failedSeeds.append(plan.seed) }
    lost += verdict.lost
    duplicated += verdict.duplicated
    changed += verdict.changed
    for times in outcome.faults {
      guard let begin = times.injected else { continue }
      injected += 1
      guard let noticed = times.detected else { continue }
      detection[times.fault.kind, default: TimeSpread()].add(noticed - begin)
      if let end = times.recovered { recovery.add(end - noticed) }
    }
  }

  package func json(seed: UInt64, mesh: JSONValue) -> JSONValue {
    let kinds = Fault.Kind.allCases.compactMap { kind in
      detection[kind].map { (key: kind.rawValue, value: $0.json) }
    }
    return .object(
      JSONObject([
        (key: "verdict", value: .string(failedSeeds.isEmpty ? "pass" : "fail")),
        (key: "seed", value: .integer(Int64(clamping: seed))),
        (key: "drills", value: .integer(Int64(numDrills))),
        (key: "failed_seeds", value: .array(failedSeeds.map { .integer(Int64(clamping: $0)) })),
        (key: "faults_injected", value: .integer(Int64(injected))),
        (key: "tokens_lost", value: .integer(Int64(lost))),
        (key: "tokens_duplicated", value: .integer(Int64(duplicated))),
        (key: "streams_changed", value: .integer(Int64(changed))),
        (key: "detection_ms", value: .object(JSONObject(kinds))), (key: "recovery_ms", value: recovery.json),
        (key: "mesh", value: mesh),
      ]))
  }

  package func text(mesh: String) -> String {
    func line(_ name: String, _ spread: TimeSpread) -> String {
      String(
        format: "  %@: %d times, median %.1f ms, p90 %.1f ms, longest %.1f ms\n", name, spread.count,
        spread.median, spread.ninetieth, spread.longest)
    }
    var text =
      "\(numDrills) drills on \(mesh), \(injected) faults: \(numDrills - failedSeeds.count) passed; \(lost) tokens lost, "
      + "\(duplicated) repeated, \(changed) streams changed\n"
    for kind in Fault.Kind.allCases {
      if let spread = detection[kind] { text += line("\(kind.rawValue) noticed", spread) }
    }
    return text + line("recovered after notice", recovery)
  }
}
