import Foundation
import Parsing
import TestSupport
import Testing

@Suite struct TraceCommandTests {
  private static let mesh = ["--tp", "2", "--ep", "2", "--attn-dp", "2"]

  @Test(arguments: ["all-to-all", "all-reduce"])
  func countedBytesEqualTheFormulas(dispatch: String) async throws {
    let outcome = try await ProcessHarness.run(
      ["trace", "-n", "3", "--expert-dispatch", dispatch, "--output", "json"] + Self.mesh)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let document = try JSONReader.parse(outcome.standardOutput)
    #expect(document["bytes_equal_formula"]?.bool == true)
    let steps = try #require(document["steps"]?.array)
    #expect(steps.count == 3 && steps.allSatisfy { ($0["bytes"]?.int ?? 0) > 0 })
    let names = Set((steps[0]["operations"]?.array ?? []).compactMap { $0["operation"]?.string })
    #expect(names.contains(dispatch == "all-to-all" ? "expert-dispatch" : "expert-rows"))
    let load = try #require(document["expert_load"]?[0]?["rows_per_expert"]?.array).compactMap(\.int)
    // Two prompts of 8 tokens, and 2 more tokens fed of each.
    #expect(load.reduce(0, +) % (2 * (8 + 2)) == 0 && load.reduce(0, +) > 0)
  }

  /// The picture in the documentation is what the command draws today.
  @Test func drawsThePictureOfTheDocumentation() async throws {
    let documented = Fixtures.packageRoot.appendingPathComponent(
      "Sources/Workloads/Workloads.docc/Resources/moe-step.svg")
    try await withTemporaryDirectory { directory in
      let file = directory.appendingPathComponent("step.svg")
      let outcome = try await ProcessHarness.run(
        ["trace", "--layer", "3", "--svg", file.path] + Self.mesh)
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      #expect(outcome.standardOutput.contains("expert-results"))
      #expect(try Data(contentsOf: file) == Data(contentsOf: documented))
    }
  }
}
