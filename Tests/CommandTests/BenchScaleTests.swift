import Foundation
import Parsing
import TestSupport
import Testing

@Suite struct BenchScaleTests {
  @Test func measuresMeshesAndComparesTokens() async throws {
    try await withTemporaryDirectory { directory in
      let page = directory.appendingPathComponent("scale.html")
      let outcome = try await ProcessHarness.run(
        [
          "bench", "scale", "--meshes", "tp1; tp2; tp2,ep2; attn_dp=2", "-n", "12", "-p", "4",
          "--repetitions", "1", "--batch", "2", "--html", page.path, "--output", "json",
        ], deadline: .seconds(240))
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      let rows = try #require(JSONReader.parse(outcome.standardOutput)["rows"]?.array)
      #expect(rows.map { $0["mesh"]?.string } == ["single", "tp=2", "tp=2 ep=2", "attn_dp=2"])
      #expect(rows.allSatisfy { $0["tokens_equal"]?.bool == true })
      for row in rows {
        let split = try #require(row["split_s"])
        let terms = ["compute", "wait", "wire", "serialise", "control"].compactMap { split[$0]?.double }
        #expect(terms.count == 5 && terms.allSatisfy { $0 >= 0 })
        let total = try #require(split["total"]?.double)
        #expect(abs(terms.reduce(0, +) - total) < 1e-9)
        let isAlone = row["mesh"]?.string == "single"
        #expect((row["bytes_per_token"]?.double == 0) == isAlone)
        #expect((split["wire"]?.double == 0) == isAlone)
      }
      let html = try String(contentsOf: page, encoding: .utf8)
      #expect(html.contains("<svg") && html.contains("tp=2 ep=2") && html.hasSuffix("</html>\n"))
      #expect(!html.contains("src=") && !html.contains("href="))
    }
  }

  @Test(arguments: [
    (["--meshes", "tp2; pp2"], "cannot take 'pp2'"), (["--meshes", "tp2,tp4"], "gives tp twice"),
    (["--meshes", " ; "], "names no mesh"), (["-n", "2"], "-n cannot be 2"),
    (["--meshes", "tp0"], "cannot take 'tp0'"), (["--meshes", "tp99"], "attention ranks"),
  ])
  func badInputsAreWrongUsage(arguments: [String], words: String) async throws {
    let outcome = try await ProcessHarness.run(["bench", "scale"] + arguments)
    #expect(outcome.exitCode == 2)
    #expect(outcome.standardError.contains(words), "\(outcome.standardError)")
  }
}
