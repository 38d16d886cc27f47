import Parsing
import TestSupport
import Testing

@Suite struct BalanceTests {
  private func tokens(_ arguments: [String]) async throws -> [Int] {
    let outcome = try await ProcessHarness.run(
      ["generate", "--prompt", "In the beginning", "--max-tokens", "12", "--output", "json"] + arguments)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let document = try JSONReader.parse(outcome.standardOutput)
    return try #require(document["outputs"]?[0]?["token_ids"]?.array).compactMap(\.int)
  }

  @Test func unevenSharesGiveTheSameTokens() async throws {
    let expected = try await tokens([])
    #expect(try await tokens(["--tp", "3", "--balance", "1,2,1"]) == expected)
    #expect(try await tokens(["--tp", "2", "--ep", "2", "--balance", "1,3,2,1"]) == expected)
    #expect(try await tokens(["--tp", "2", "--balance", "measured"]) == expected)
  }

  @Test func bytesOfUnevenSharesAreThoseOfTheFormulas() async throws {
    let outcome = try await ProcessHarness.run([
      "trace", "--tp", "2", "--ep", "2", "--attn-dp", "2", "--balance", "1,2,1,3,1,1,5,1", "-n", "2",
    ])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
  }

  @Test func thePlanShowsTheShares() async throws {
    let outcome = try await ProcessHarness.run([
      "plan", "--tp", "2", "--balance", "1,2", "--output", "json",
    ])
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let ranks = try #require(JSONReader.parse(outcome.standardOutput)["ranks"]?.array)
    let bytes = ranks.compactMap { $0["weight_bytes"]?.int }
    #expect(Double(bytes[1]) > 1.5 * Double(bytes[0]))
  }

  @Test(arguments: [
    (["--tp", "2", "--balance", "1"], "has 1 weights, but the mesh 2 ranks"),
    (["--tp", "2", "--balance", "1,0"], "--balance cannot be '1,0'"),
    (["--tp", "2", "--balance", "fair"], "--balance cannot be 'fair'"),
    (["--tp", "2", "--balance", "measured"], "needs running workers"),
  ])
  func badInputsAreWrongUsage(arguments: [String], words: String) async throws {
    let outcome = try await ProcessHarness.run(["plan"] + arguments)
    #expect(outcome.exitCode == 2)
    #expect(outcome.standardError.contains(words), "\(outcome.standardError)")
  }
}
