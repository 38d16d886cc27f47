import Foundation
import TestSupport
import Testing

/// The committed batch script in a real Slurm; skipped by name where there is none.
@Suite(.enabled(if: SlurmLab.obstacle == nil, "needs root, network namespaces, Slurm and munge"))
struct SlurmTests {
  @Test func theBatchScriptWritesWhatOneProcessWrites() async throws {
    let prompt = "It is a truth universally acknowledged, that"
    let single = try await ProcessHarness.run(["generate", "--prompt", prompt, "--max-tokens", "24"])
    let lab = try SlurmLab()
    defer { lab.close() }
    let script = Fixtures.packageRoot.appendingPathComponent("deploy/slurm/decode.sbatch").path
    _ = try lab.run(
      "cd $D; timeout 200 sbatch --wait \(script) --max-tokens 24 --pulse-milliseconds 10000",
      ["MESHDECODE": ProcessHarness.executable.path])
    let output = lab.directory.appendingPathComponent("meshdecode-1.out")
    #expect(try String(contentsOf: output, encoding: .utf8) == single.standardOutput)
    let notes = try String(
      contentsOf: lab.directory.appendingPathComponent("meshdecode-1.err"), encoding: .utf8)
    #expect(notes.contains("tokens on tp=2 ep=2"), "\(notes)")
    #expect(try lab.run("squeue -h") == "")
  }
}
