import Foundation
import Parsing
import TestSupport
import Testing

/// The plans in configs/drills, for real.
@Suite(.serialized) struct DrillCommandTests {
  private static let plans = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("configs/drills")

  private static func drill(_ arguments: [String]) async throws -> ProcessOutcome {
    try await ProcessHarness.run(
      ["drill", "--tp", "2", "--max-tokens", "40", "--pulse-milliseconds", "250"] + arguments)
  }

  @Test(arguments: ["kill", "crash", "terminate", "hang", "straggler", "double-fault"])
  func everyPlanKeepsItsPromise(name: String) async throws {
    try await withTemporaryDirectory { base in
      let page = base.appendingPathComponent("drill.html")
      let plan = Self.plans.appendingPathComponent("\(name).yaml").path
      let outcome = try await Self.drill(["--plan", plan, "--output", "json", "--html", page.path])
      #expect(outcome.exitCode == 0, "\(outcome.standardOutput) \(outcome.standardError)")
      let document = try JSONReader.parse(Array(outcome.standardOutput.utf8))
      #expect(document["verdict"]?.string == "pass")
      #expect(document["requests"]?["completed"]?.int == 4 && document["requests"]?["lost"]?.int == 0)
      let faults = document["faults"]?.array ?? []
      #expect(!faults.isEmpty && faults.allSatisfy { $0["injected_ms"]?.double != nil })
      if name != "straggler" {
        #expect(faults.allSatisfy { $0["recovered_ms"]?.double != nil }, "\(outcome.standardOutput)")
      }
      let html = try String(contentsOf: page, encoding: .utf8)
      #expect(html.contains("<svg") && html.contains("pass"))
    }
  }

  @Test func aDrillThatLosesTokensFails() async throws {
    let plan = Self.plans.appendingPathComponent("kill.yaml").path
    let outcome = try await Self.drill(["--plan", plan, "--on-rank-loss", "fail", "--output", "json"])
    #expect(outcome.exitCode == 3)
    let document = try JSONReader.parse(Array(outcome.standardOutput.utf8))
    #expect(document["verdict"]?.string == "fail" && (document["requests"]?["lost"]?.int ?? 0) > 0)
    #expect(outcome.standardError.contains("rank 1"))
  }

  @Test func randomDrills() async throws {
    let seed = seeds(1)[0]
    let outcome = try await Self.drill(["--random", "4", "--seed", "\(seed)", "--output", "json"])
    #expect(outcome.exitCode == 0, "seed \(seed): \(outcome.standardError)")
    let document = try JSONReader.parse(Array(outcome.standardOutput.utf8))
    #expect(document["drills"]?.int == 4 && document["faults_injected"]?.int ?? 0 > 0)
  }
}
