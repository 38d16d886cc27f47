package import Foundation

/// Starts the built `meshdecode` executable as a user would, with a deadline and everything it printed.
package enum ProcessHarness {
  /// The executable that the test build made, beside the test bundle.
  package static let executable: URL = {
    let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("meshdecode")
  }()

  /// Runs `meshdecode` with `arguments` to its end.
  ///
  /// Throws: `HarnessError` when it has not ended by the deadline; it is killed then. The deadline only keeps a
  /// hang from lasting for ever: what takes a second alone may take a minute beside all other tests.
  package static func run(
    _ arguments: [String], executable: URL = ProcessHarness.executable, input: String = "",
    environment: [String: String] = [:], workingDirectory: URL? = nil, deadline: Duration = .seconds(180)
  ) async throws -> ProcessOutcome {
    try await withProcess(
      arguments, executable: executable, input: input, environment: environment,
      workingDirectory: workingDirectory, deadline: deadline
    ) { _ in }
  }

  /// Runs `meshdecode` with `arguments`, lets `body` watch and signal it, then waits for its end.
  package static func withProcess(
    _ arguments: [String], executable: URL = ProcessHarness.executable, input: String = "",
    environment: [String: String] = [:], workingDirectory: URL? = nil, deadline: Duration = .seconds(180),
    body: @escaping @Sendable (RunningProcess) async throws -> Void
  ) async throws -> ProcessOutcome {
    try await OwnThread.run {
      let folder = try makeTemporaryDirectory()
      defer { try? FileManager.default.removeItem(at: folder) }
      // Files instead of pipes: nothing is lost and nothing blocks the process.
      let process = Process()
      process.executableURL = executable
      process.arguments = arguments
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
      if let workingDirectory { process.currentDirectoryURL = workingDirectory }
      let inputFile = folder.appendingPathComponent("stdin")
      try Data(input.utf8).write(to: inputFile)
      process.standardInput = try FileHandle(forReadingFrom: inputFile)
      process.standardOutput = try file("stdout", in: folder)
      process.standardError = try file("stderr", in: folder)

      let running = RunningProcess(folder: folder)
      process.terminationHandler = { running.ended($0.terminationReason, $0.terminationStatus) }
      try process.run()
      running.started(pid: process.processIdentifier)
      try await finish(running, "meshdecode \(arguments.joined(separator: " "))", deadline, body)
      return ProcessOutcome(
        ending: running.ending ?? .signalled(0), standardOutput: running.standardOutput,
        standardError: running.standardError)
    }
  }

  /// Waits for the end of `running` while `body`, on another thread, watches it.
  private static func finish(
    _ running: RunningProcess, _ command: String, _ deadline: Duration,
    _ body: @escaping @Sendable (RunningProcess) async throws -> Void
  ) async throws {
    let end = ContinuousClock.now + deadline
    let work = Task(executorPreference: OwnThread()) { try await body(running) }
    while !running.hasEnded() {
      if ContinuousClock.now > end {
        running.send(SIGKILL)
        work.cancel()
        throw HarnessError(
          "\(command) did not end within \(deadline); it printed:\n"
            + running.standardOutput + running.standardError)
      }
      usleep(2000)
    }
    if case .failure(let error) = await work.result, !(error is CancellationError) { throw error }
  }

  private static func file(_ name: String, in folder: URL) throws -> FileHandle {
    let url = folder.appendingPathComponent(name)
    try Data().write(to: url)
    return try FileHandle(forWritingTo: url)
  }
}

/// How a process ended and what it printed.
package struct ProcessOutcome: Sendable {
  package enum Ending: Sendable, Equatable {
    case exited(Int32)
    case signalled(Int32)
  }

  package let ending: Ending
  package let standardOutput: String
  package let standardError: String

  package init(ending: Ending, standardOutput: String, standardError: String) {
    self.ending = ending
    self.standardOutput = standardOutput
    self.standardError = standardError
  }

  /// The exit code; nil after a signal.
  package var exitCode: Int32? {
    if case .exited(let code) = ending { code } else { nil }
  }
}

/// What the harness itself could not do.
package struct HarnessError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
