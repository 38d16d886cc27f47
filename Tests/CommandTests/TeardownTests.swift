import Foundation
import TestSupport
import Testing

/// Real runs ended in every way, while they load and while they decode; nothing may be left behind.
@Suite(.serialized) struct TeardownTests {
  enum Phase: String, CaseIterable, Sendable { case loading, decoding }

  /// Two workers under `base`; `body` runs once the phase has been reached.
  private static func run(
    _ phase: Phase, _ base: URL, _ more: [String] = [], transport: String = "ipc",
    _ body: @escaping @Sendable (RunningProcess) async throws -> Void
  ) async throws -> ProcessOutcome {
    var arguments = [
      "generate", "--prompt-token-ids", "1", "--tp", "2", "--ignore-eos", "--max-tokens", "500",
      "--transport",
      transport,
    ]
    arguments += more
    let runs = base.appendingPathComponent("runs")
    try FileManager.default.createDirectory(at: runs, withIntermediateDirectories: false)
    if phase == .loading {
      let model = base.appendingPathComponent("model")
      try FileManager.default.createDirectory(at: model, withIntermediateDirectories: false)
      try Data(largeModel.utf8).write(to: model.appendingPathComponent("config.json"))
      arguments += ["--load-format", "dummy", "--model", model.path]
    }
    arguments += ["--run-directory", runs.path]
    return try await ProcessHarness.withProcess(arguments) { running in
      switch phase {
      case .loading: try await running.wait { _ in workers(runs).count == 2 }
      case .decoding: try await running.wait { $0.standardOutput.utf8.count > 20 }
      }
      try await body(running)
    }
  }

  /// Enough weights for seconds of loading.
  private static let largeModel = """
    {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 24,
     "num_attention_heads": 16, "num_key_value_heads": 8, "intermediate_size": 4096, "vocab_size": 32000,
     "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "torch_dtype": "bfloat16",
     "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "tie_word_embeddings": false}
    """

  private static func workers(_ runs: URL) -> [Int32] {
    Leaks.workers(mentioning: runs.path + "/").map(\.processID)
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalEndsAMeasurementOfCollectives(signal: Int32) async throws {
    try await withTemporaryDirectory { base in
      let arguments = [
        "bench", "collectives", "--ranks", "3", "--iterations", "1000000", "--run-directory", base.path,
      ]
      let outcome = try await ProcessHarness.withProcess(arguments) { running in
        try await running.wait { _ in
          let files = try? FileManager.default.subpathsOfDirectory(atPath: base.path)
          return files?.contains { $0.hasSuffix("data-r2") } == true
        }
        running.send(signal)
      }
      #expect(outcome.ending == .exited(128 + signal))
      #expect(try FileManager.default.contentsOfDirectory(atPath: base.path) == [])
    }
  }

  @Test(arguments: Phase.allCases, [SIGINT, SIGTERM])
  func aSignalEndsTheRun(phase: Phase, signal: Int32) async throws {
    try await withTemporaryDirectory { base in
      let outcome = try await Self.run(phase, base) { $0.send(signal) }
      #expect(outcome.ending == .exited(128 + signal))
      #expect(outcome.standardError.split(separator: "\n").last == "interrupted")
      let left = try await Leaks.remaining(in: base.appendingPathComponent("runs"))
      #expect(left == [])
    }
  }

  @Test(arguments: Phase.allCases, ["ipc", "shm"])
  func aKilledCoordinatorLeavesNothing(phase: Phase, transport: String) async throws {
    try await withTemporaryDirectory { base in
      let outcome = try await Self.run(phase, base, transport: transport) { $0.send(SIGKILL) }
      #expect(outcome.ending == .signalled(SIGKILL))
      let left = try await Leaks.remaining(in: base.appendingPathComponent("runs"))
      #expect(left == [])
    }
  }

  @Test(arguments: Phase.allCases, ["ipc", "shm"])
  func aKilledWorkerEndsTheRunWithASentence(phase: Phase, transport: String) async throws {
    try await withTemporaryDirectory { base in
      let runs = base.appendingPathComponent("runs")
      let outcome = try await Self.run(phase, base, ["--on-rank-loss", "fail"], transport: transport) { _ in
        if let pid = Self.workers(runs).last { _ = kill(pid, SIGKILL) }
      }
      #expect(outcome.exitCode == 1)
      let errors = outcome.standardError.split(separator: "\n").filter { $0.hasPrefix("error: ") }
      #expect(errors.count == 1, "\(outcome.standardError)")
      #expect(errors.first?.contains("rank 1") == true, "\(outcome.standardError)")
      #expect(
        errors.first?.contains("was killed by signal 9 (SIGKILL)") == true, "\(outcome.standardError)")
      let left = try await Leaks.remaining(in: runs)
      #expect(left == [])
    }
  }
}
