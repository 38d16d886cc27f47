import Foundation
import Parsing
import TestSupport
import Testing

/// The preflight of this host alone: no rights are needed for it.
@Suite struct DoctorTests {
  @Test func thisHostIsDescribed() async throws {
    let outcome = try await ProcessHarness.run(["doctor", "--output", "json"])
    let report = try JSONReader.parse(outcome.standardOutput)
    let host = report["hosts"]?[0]
    #expect(host?["facts"]?["build"]?.string?.isEmpty == false, "\(outcome.standardError)")
    #expect(host?["reached"]?.bool == true)
    #expect(host?["checkpoint"]?["missing"]?.array?.isEmpty == true)
    #expect(outcome.exitCode == (report["verdict"]?.string == "pass" ? 0 : 3))
  }

  @Test func aModelThatIsNotThereFailsTheCheck() async throws {
    let outcome = try await ProcessHarness.run(["doctor", "--model", "/nowhere"])
    #expect(outcome.exitCode == 3)
    #expect(outcome.standardOutput.contains("FAIL: localhost cannot load the checkpoint"))
  }
}

/// Hosts with a fault each; skipped by name where hosts cannot be made.
@Suite(
  .serialized, .enabled(if: SSHLab.obstacle == nil, "needs root, network namespaces, iproute2 and OpenSSH"))
struct DoctorLabTests {
  private static let model = Fixtures.packageRoot.appendingPathComponent(
    "Tests/GoldenTests/Fixtures/models/llama-gqa")

  @Test func theBrokenHostAndTheSlowLinkAreNamed() async throws {
    let lab = try SSHLab(count: 4)
    defer { lab.close() }
    let broken = lab.directory.appendingPathComponent("model")
    try FileManager.default.copyItem(at: Self.model, to: broken)
    try FileManager.default.removeItem(at: broken.appendingPathComponent("model-00002-of-00004.safetensors"))
    // Both directions of one pair: 8 Mbit/s.
    try lab.narrow(1, 3, kilobits: 8000)
    let flags = try lab.flags(extra: [2: "model=\(broken.path)"])
    let command = lab.onHub(["doctor", "--model", Self.model.path] + flags)
    let outcome = try await ProcessHarness.run(
      command.arguments, executable: command.executable, deadline: .seconds(240))
    let text = outcome.standardOutput
    #expect(outcome.exitCode == 3, "\(outcome.standardError)")
    #expect(
      text.contains("FAIL: 10.77.0.3 lacks \(broken.path)/model-00002-of-00004.safetensors"), "\(text)")
    #expect(text.contains("FAIL: the link 10.77.0.2 - 10.77.0.4 is slow"), "\(text)")
    #expect(!text.contains("FAIL: 10.77.0.1") && !text.contains("FAIL: the link 10.77.0.1"), "\(text)")
  }

  @Test func hostsWithoutExecutableOrNetworkAreNamed() async throws {
    let lab = try SSHLab(count: 3)
    defer { lab.close() }
    let flags = try lab.flags(
      extra: [1: "executable=/nowhere/meshdecode"], more: ["10.77.0.99 slots=1"])
    let command = lab.onHub(["doctor", "--output", "json"] + flags)
    let outcome = try await ProcessHarness.run(
      command.arguments, executable: command.executable, deadline: .seconds(240))
    #expect(outcome.exitCode == 3, "\(outcome.standardError)")
    let findings = try JSONReader.parse(outcome.standardOutput)["findings"]?.array ?? []
    func text(_ subject: String) -> String {
      findings.filter { $0["subject"]?.string == subject }.compactMap { $0["text"]?.string }.joined()
    }
    #expect(text("10.77.0.2").contains("has no executable at /nowhere/meshdecode"), "\(findings)")
    #expect(text("10.77.0.99").contains("cannot be reached by ssh"), "\(findings)")
    #expect(text("10.77.0.1") == "" && text("10.77.0.3") == "", "\(findings)")
  }
}
