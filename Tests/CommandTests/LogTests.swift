import TestSupport
import Testing

/// `--log-level`: what reaches standard error, each line with its place in the run.
@Suite struct LogTests {
  @Test(arguments: [("warning", 0), ("info", 4), ("debug", 12)])
  func theLevelDecides(level: String, least: Int) async throws {
    let outcome = try await ProcessHarness.run([
      "generate", "--prompt", "In the beginning", "--max-tokens", "8", "--ignore-eos", "--tp", "2",
      "--log-level", level,
    ])
    #expect(outcome.exitCode == 0)
    // The last line is the command's own, on its speed.
    let lines = outcome.standardError.split(separator: "\n").filter { !$0.contains("tokens/s") }
    #expect(least == 0 ? lines.isEmpty : lines.count >= least, "\(outcome.standardError)")
    let form = /(?:debug|info): .+ \(t=\d+\.\d{3}s epoch=1 step=\d+(?: rank=[01])?\)/
    #expect(lines.allSatisfy { $0.wholeMatch(of: form) != nil }, "\(outcome.standardError)")
  }
}
