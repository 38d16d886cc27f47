import Foundation
import Settings
import TestSupport
import Testing

@Suite struct UsageTests {
  @Test func versionIsPrinted() async throws {
    let outcome = try await ProcessHarness.run(["--version"])
    #expect(outcome.exitCode == 0)
    #expect(outcome.standardOutput == "meshdecode \(BuildInfo.version)\n")
  }

  @Test func unknownFlagIsWrongUsageInOneLine() async throws {
    let outcome = try await ProcessHarness.run(["--no-such-flag"])
    #expect(outcome.exitCode == 2)
    #expect(outcome.standardOutput == "")
    #expect(outcome.standardError.hasPrefix("error: Unknown option '--no-such-flag'"))
    #expect(outcome.standardError.split(separator: "\n").count == 1)
  }

  @Test func helpNamesTheExitCodes() async throws {
    let outcome = try await ProcessHarness.run(["--help"])
    #expect(outcome.exitCode == 0)
    #expect(outcome.standardOutput.contains("Exit codes: 0 success"))
  }
}
