package import Foundation
internal import Subprocess
internal import SystemPackage

/// Starts the built `meshdecode` executable as a user would, with a deadline and everything it printed.
package enum ProcessHarness {
  /// The executable that the test build made, beside the test bundle.
  package static let executable: URL = {
    let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "/"
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("meshdecode")
  }()

  /// Runs `meshdecode` with `arguments` to its end.
  ///
  /// Throws: `HarnessError` when it has not ended by the deadline; it is killed then.
  package static func run(
    _ arguments: [String], executable: URL = ProcessHarness.executable, input: String = "",
    environment: [String: String] = [:], workingDirectory: URL? = nil, deadline: Duration = .seconds(60)
  ) async throws -> ProcessOutcome {
    try await withProcess(
      arguments, executable: executable, input: input, environment: environment,
      workingDirectory: workingDirectory, deadline: deadline
    ) { _ in }
  }

  /// Runs `meshdecode` with `arguments`, lets `body` watch and signal it, then waits for its end.
  package static func withProcess(
    _ arguments: [String], executable: URL = ProcessHarness.executable, input: String = "",
    environment: [String: String] = [:], workingDirectory: URL? = nil, deadline: Duration = .seconds(60),
    body: @escaping @Sendable (RunningProcess) async throws -> Void
  ) async throws -> ProcessOutcome {
    let folder = try makeTemporaryDirectory()
    defer { try? FileManager.default.removeItem(at: folder) }
    let running = RunningProcess(folder: folder)
    return try await withThrowingTaskGroup(of: ProcessOutcome?.self) { group in
      group.addTask {
        try await launch(running, arguments, executable, input, environment, workingDirectory, body)
      }
      group.addTask {
        try await Task.sleep(for: deadline)
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let outcome = first else {
        throw HarnessError(
          "meshdecode \(arguments.joined(separator: " ")) did not end within \(deadline); it printed:\n"
            + running.standardOutput + running.standardError)
      }
      return outcome
    }
  }

  private static func launch(
    _ running: RunningProcess, _ arguments: [String], _ executable: URL, _ input: String,
    _ environment: [String: String], _ workingDirectory: URL?,
    _ body: @escaping @Sendable (RunningProcess) async throws -> Void
  ) async throws -> ProcessOutcome {
    var options = PlatformOptions()
    options.teardownSequence = []
    let variables = Dictionary(
      uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0.key), Optional($0.value)) })
    let result = try await Subprocess.run(
      .path(FilePath(executable.path)), arguments: Arguments(arguments),
      environment: .inherit.updating(variables),
      workingDirectory: workingDirectory.map { FilePath($0.path) }, platformOptions: options,
      input: .string(input), output: try captured(running.outputFile), error: try captured(running.errorFile)
    ) { execution in
      running.started(pid: execution.processIdentifier.value)
      try await body(running)
    }
    let ending: ProcessOutcome.Ending =
      switch result.terminationStatus {
      case .exited(let code): .exited(code)
      case .signaled(let signal): .signalled(signal)
      }
    return ProcessOutcome(
      ending: ending, standardOutput: running.standardOutput, standardError: running.standardError)
  }
}

/// Output into a file, so that nothing is lost and nothing blocks the process.
private func captured(_ file: URL) throws -> FileDescriptorOutput {
  let descriptor = try FileDescriptor.open(
    FilePath(file.path), .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
  return .fileDescriptor(descriptor, closeAfterSpawningProcess: true)
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
