import Foundation
import TestSupport
import Testing

/// Between a step plan and its result a worker allocates nothing.
@Suite(.serialized) struct StepAllocationTests {
  struct Threshold: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var allocations: Int
    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let thresholds: [Threshold] = {
    let file = Fixtures.directory().appendingPathComponent("Thresholds/step.txt")
    let lines = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return lines.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let words = line.split(separator: " ").map(String.init)
      return Threshold(arguments: Array(words.dropLast()), allocations: Int(words[words.count - 1]) ?? -1)
    }
  }()

  private static let probe = ProcessHarness.executable.deletingLastPathComponent()
    .appendingPathComponent("allocation-probe")

  private static let bundled = Fixtures.packageRoot
    .appendingPathComponent("Sources/meshdecode/Resources/tiny-qwen3-moe").path

  @Test func thresholdsAreRead() { #expect(Self.thresholds.count >= 6) }

  @Test(arguments: thresholds)
  func aDecodeStepAllocatesNothing(threshold: Threshold) async throws {
    var arguments = threshold.arguments
    if arguments[0] == "bundled" { arguments[0] = Self.bundled }
    let outcome = try await ProcessHarness.run(
      arguments, executable: Self.probe, environment: ["MALLOC_TRACES": "3"])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let words = outcome.standardOutput.split(whereSeparator: \.isWhitespace)
    try #require(words.count == 6, "\(outcome.standardOutput)")
    #expect(words[1] == "40")
    let allocations = try #require(Int(words[3]))
    #expect(
      allocations <= threshold.allocations,
      "allocation-probe \(arguments.joined(separator: " ")): \(outcome.standardError)")
  }

  /// The counter sees ZeroMQ's messages, so it is at work.
  @Test func theCounterCounts() async throws {
    let outcome = try await ProcessHarness.run(["dense", "1", "shm", "1"], executable: Self.probe)
    let words = outcome.standardOutput.split(whereSeparator: \.isWhitespace)
    #expect(words.count == 6 && (Int(words[5]) ?? 0) > 0, "\(outcome.standardOutput)")
  }
}
