import Foundation
import Parsing
import TestSupport
import Testing
import Transport
import Wire

/// Workers that somebody else starts, as `deploy/` tells orchestrators to: they find the coordinator by address and get
/// in by a secret. On loopback, so no rights are needed.
@Suite(.serialized) struct ExternalWorkerTests {
  private static let flags = ["--ignore-eos", "--max-tokens", "300", "--prompt", "In the beginning"]

  /// A coordinator on a port of its own, what workers need to join, and the text that one process writes.
  struct Meeting: Sendable {
    let port: Int
    let secret: String

    init(_ folder: URL) throws {
      port = try Self.freePorts()
      secret = folder.appendingPathComponent("join").path
    }

    func coordinator(patience: Int = 60) -> [String] {
      [
        "generate", "--launcher", "external", "--coordinator-address", "127.0.0.1:\(port)",
        "--join-secret-file", secret, "--tp", "2", "--threads-per-worker", "1",
        "--startup-timeout-seconds", "\(patience)",
      ] + ExternalWorkerTests.flags
    }

    /// As torchrun would say it.
    func place(_ rank: Int) -> [String: String] {
      [
        "RANK": "\(rank)", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)",
        "MESHDECODE_JOIN_SECRET_FILE": secret,
      ]
    }

    /// The first of two ports in a row that nobody has: for steps and for pulses.
    private static func freePorts() throws -> Int {
      let context = try ZMQContext(security: .insecure)
      for _ in 0..<20 {
        let first = try ControlServer(context, endpoint: Endpoint("tcp://127.0.0.1:*"))
        guard case .tcp(_, let port, _) = first.endpoint, port < 65535,
          (try? ControlServer(context, endpoint: .tcp(host: "127.0.0.1", port: port + 1))) != nil
        else { continue }
        return Int(port)
      }
      throw HarnessError("no two free ports in a row")
    }
  }

  private static func makeSecret(_ path: String) async throws {
    let made = try await ProcessHarness.run(["join-secret"])
    try Data(made.standardOutput.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
  }

  private static func worker(
    _ meeting: Meeting, _ rank: Int, environment: [String: String] = [:],
    _ body: @escaping @Sendable (RunningProcess) async throws -> Void = { _ in }
  ) async throws -> ProcessOutcome {
    // A terminal or an orchestrator keeps standard input open; a file at its end is no life line.
    try await ProcessHarness.withProcess(
      ["worker"], environment: meeting.place(rank).merging(environment) { $1 }, deadline: .seconds(240),
      body: body)
  }

  @Test func variablesOfTorchrunAreEnough() async throws {
    let single = try await ProcessHarness.run(["generate"] + Self.flags)
    try await withTemporaryDirectory { folder in
      let meeting = try Meeting(folder)
      try await Self.makeSecret(meeting.secret)
      async let first = Self.worker(meeting, 0)
      async let second = Self.worker(meeting, 1)
      let outcome = try await ProcessHarness.run(meeting.coordinator(), deadline: .seconds(240))
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      #expect(outcome.standardOutput == single.standardOutput)
      #expect(try await [first.exitCode, second.exitCode] == [0, 0])
    }
  }

  /// A lost worker's place is taken by another one that knows the secret; strangers and other builds are turned away
  /// meanwhile, and no token is lost.
  @Test func aLostWorkerIsReplacedByAnotherThatJoins() async throws {
    let single = try await ProcessHarness.run(["generate"] + Self.flags)
    try await withTemporaryDirectory { folder in
      let meeting = try Meeting(folder)
      try await Self.makeSecret(meeting.secret)
      let other = folder.appendingPathComponent("other").path
      try await Self.makeSecret(other)
      async let first = Self.worker(meeting, 0)
      let doomed = Handover<RunningProcess>()
      async let second = Self.worker(meeting, 1) { doomed.set($0) }
      let outcome = try await ProcessHarness.withProcess(
        meeting.coordinator(), deadline: .seconds(240)
      ) { running in
        try await running.wait { $0.standardOutput.utf8.count > 40 }
        try doomed.get().send(SIGKILL)
        // While its place is free: someone of another build, and someone with another secret.
        let refusal = try Self.refusal(meeting, build: "0.0.1-other")
        #expect(refusal.contains("build 0.0.1-other") && refusal.contains("same build"), "\(refusal)")
        let stranger = try Self.isLetIn(meeting, secret: other)
        #expect(!stranger)
        _ = try await Self.worker(meeting, 1)
      }
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      #expect(outcome.standardOutput == single.standardOutput)
      #expect(outcome.standardError.contains("rank 1") && outcome.standardError.contains("replaced"))
      #expect(try await first.exitCode == 0)
      #expect(try await second.ending == .signalled(SIGKILL))
    }
  }

  @Test func aWorkerThatNobodyAnswersSaysWhy() async throws {
    try await withTemporaryDirectory { folder in
      let meeting = try Meeting(folder)
      try await Self.makeSecret(meeting.secret)
      let outcome = try await Self.worker(meeting, 0)
      #expect(outcome.exitCode == 75)
      #expect(
        outcome.standardError.hasPrefix("error: nobody has answered at tcp://")
          && outcome.standardError.contains("the same join secret"), "\(outcome.standardError)")
    }
  }

  @Test func aPlaceThatNobodyTakesIsAnErrorAtTheDeadline() async throws {
    try await withTemporaryDirectory { folder in
      let meeting = try Meeting(folder)
      let outcome = try await ProcessHarness.run(
        meeting.coordinator(patience: 2), deadline: .seconds(240))
      #expect(outcome.exitCode == 1)
      #expect(
        outcome.standardError.contains("has not joined within 2")
          && outcome.standardError.contains("nobody came"),
        "\(outcome.standardError)")
    }
  }

  /// What a worker of another build is told.
  private static func refusal(_ meeting: Meeting, build: String) throws -> String {
    let client = try client(meeting, secret: meeting.secret)
    var writer = ByteWriter()
    Hello(
      buildID: build, rank: 1, incarnation: Hello.firstOwnIncarnation + 1, processID: 1,
      hostName: "elsewhere",
      cpuFeatures: "", numThreads: 1
    ).write(to: &writer)
    try client.send(
      ControlMessage(kind: .hello, epoch: Epoch(rawValue: 1), payload: writer.bytes),
      deadline: .after(.seconds(5)))
    guard let answer = try client.receive(deadline: .after(.seconds(10))), answer.kind == .refusal else {
      return "no refusal"
    }
    return String(decoding: answer.payload, as: UTF8.self)
  }

  /// Whether someone with this secret gets any answer within two seconds, more than a handshake takes.
  private static func isLetIn(_ meeting: Meeting, secret: String) throws -> Bool {
    let client = try client(meeting, secret: secret)
    try client.send(ControlMessage(kind: .hello, epoch: Epoch(rawValue: 1)), deadline: .after(.seconds(5)))
    return try client.receive(deadline: .after(.seconds(2))) != nil
  }

  private static func client(_ meeting: Meeting, secret: String) throws -> ControlClient {
    let text = try String(contentsOfFile: secret, encoding: .utf8)
    // The address is right whatever the secret: the coordinator's public key is no secret.
    let key = try WorkerPass(String(contentsOfFile: meeting.secret, encoding: .utf8)).coordinatorKey
    let context = try ZMQContext(security: .encrypted(WorkerPass(text).keys))
    let name = WorkerName(rank: 1, epoch: Epoch(rawValue: 1), incarnation: Hello.firstOwnIncarnation + 1)
    return try ControlClient(
      context, endpoint: .tcp(host: "127.0.0.1", port: UInt16(meeting.port), key: key), name: name)
  }
}
