import Foundation
import Launching
import TestSupport
import Testing

/// What is committed in `deploy/` is what is rendered, and what others say about it.
@Suite struct DeploymentTests {
  private static func committed(_ folder: String, _ name: String) -> URL {
    Fixtures.packageRoot.appendingPathComponent("deploy/\(folder)/\(name)")
  }

  @Test(arguments: ["kubernetes", "systemd", "slurm", "ssh"])
  func filesAreAsRendered(folder: String) throws {
    let all = [
      "kubernetes": Deployment().kubernetes, "systemd": Deployment().systemd, "slurm": Deployment().slurm,
      "ssh": Deployment().ssh,
    ]
    let files = try #require(all[folder])
    for file in files {
      let place = Self.committed(folder, file.name)
      if ProcessInfo.processInfo.environment["MESHDECODE_RECORD"] != nil {
        try file.text.write(to: place, atomically: true, encoding: .utf8)
      }
      let text = try String(contentsOf: place, encoding: .utf8)
      #expect(text == file.text, "\(place.path); if meant, run this test with MESHDECODE_RECORD=1")
    }
  }

  @Test func aModelAndAMeshAreCarried() {
    var deployment = Deployment()
    (deployment.worldSize, deployment.mesh, deployment.model) = (6, ["expert_parallel_size: 6"], "/models/a")
    let text = deployment.kubernetes.map(\.text).joined(separator: "---\n")
    #expect(text.contains("completions: 6") && text.contains("hostPath: {path: /models/a, type: Directory}"))
    #expect(text.contains("    expert_parallel_size: 6\n    model: /models/a\n"))
    let script = deployment.slurm[0].text
    #expect(
      script.contains("#SBATCH --nodes=6\n") && script.contains(#"--model "${MODEL:-/models/a}" --prompt"#))
    #expect(script.contains("--launcher slurm --expert-parallel-size 6 "))
    deployment.ranksPerHost = 4
    #expect(
      deployment.ssh[0].text.contains("\nnode1 slots=4 model=/models/a\nnode2 slots=4 model=/models/a\n#"))
  }

  private static let validator = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/kubernetes-validate" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  /// `pip install kubernetes-validate` brings the schemas along.
  @Test(.enabled(if: validator != nil, "needs kubernetes-validate on the PATH"))
  func kubernetesKnowsEveryField() async throws {
    for file in Deployment().kubernetes {
      let outcome = try await ProcessHarness.run(
        ["--strict", Self.committed("kubernetes", file.name).path],
        executable: URL(fileURLWithPath: Self.validator ?? ""))
      #expect(outcome.exitCode == 0, "\(outcome.standardOutput) \(outcome.standardError)")
    }
  }

  private static let analyzer = "/usr/bin/systemd-analyze"

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: analyzer), "needs systemd-analyze"))
  func systemdFindsNothingToSay() async throws {
    try await withTemporaryDirectory { folder in
      for file in Deployment().systemd where file.name.hasSuffix(".service") {
        // It looks for the executable, which is not installed here.
        let text = file.text.replacing("/usr/bin/meshdecode", with: ProcessHarness.executable.path)
        try text.write(to: folder.appendingPathComponent(file.name), atomically: true, encoding: .utf8)
      }
      let worker = folder.appendingPathComponent("meshdecode-worker@0.service").path
      try FileManager.default.copyItem(
        atPath: folder.appendingPathComponent("meshdecode-worker@.service").path, toPath: worker)
      let outcome = try await ProcessHarness.run(
        ["verify", "--man=no", worker, folder.appendingPathComponent("meshdecode-coordinator.service").path],
        executable: URL(fileURLWithPath: Self.analyzer))
      // What it says of other units of this host is not ours.
      let ours = (outcome.standardOutput + outcome.standardError).split(separator: "\n").filter {
        $0.contains("meshdecode")
      }
      #expect(ours == [])
    }
  }
}
