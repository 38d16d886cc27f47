import Parsing
import TestSupport
import Testing

@Suite struct BenchCommandTests {
  @Test func collectivesAreMeasuredBetweenProcesses() async throws {
    let outcome = try await ProcessHarness.run([
      "bench", "collectives", "--ranks", "2", "--bytes", "64,1024", "--iterations", "3", "--output", "json",
    ])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let rows = try JSONReader.parse(outcome.standardOutput)["rows"]?.array ?? []
    #expect(rows.map { $0["bytes"]?.int } == [64, 1024])
    #expect(rows.allSatisfy { $0["verified"]?.bool == true && ($0["median_us"]?.double ?? 0) > 0 })
  }

  @Test(arguments: [
    (["--ranks", "0"], "--ranks cannot be '0'"), (["--bytes", "8,x"], "--bytes cannot be 'x'"),
    (["--operation", "gossip"], "--operation cannot be 'gossip'; choose one of all-reduce"),
  ])
  func badInputsAreWrongUsage(arguments: [String], words: String) async throws {
    let outcome = try await ProcessHarness.run(["bench", "collectives"] + arguments)
    #expect(outcome.exitCode == 2)
    #expect(outcome.standardError.contains(words), "\(outcome.standardError)")
  }
}
