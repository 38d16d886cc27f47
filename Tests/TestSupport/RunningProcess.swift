package import Foundation
internal import Synchronization

/// A process that the harness started: what it has printed so far, and signals to it.
package final class RunningProcess: Sendable {
  let outputFile: URL
  let errorFile: URL
  private let startedPid = Mutex<Int32>(0)

  init(folder: URL) {
    outputFile = folder.appendingPathComponent("stdout")
    errorFile = folder.appendingPathComponent("stderr")
  }

  /// Process id.
  package var pid: Int32 { startedPid.withLock { $0 } }
  /// What it has printed so far.
  package var standardOutput: String { text(of: outputFile) }
  package var standardError: String { text(of: errorFile) }

  /// Sends a signal, for instance `SIGINT`.
  package func send(_ signal: Int32) {
    let target = pid
    if target > 0 { _ = kill(target, signal) }
  }

  /// Waits until `condition` holds for what was printed; the deadline of the harness bounds it.
  package func wait(until condition: @Sendable (RunningProcess) -> Bool) async throws {
    while !condition(self) { try await Task.sleep(for: .milliseconds(5)) }
  }

  func started(pid: Int32) { startedPid.withLock { $0 = pid } }

  private func text(of file: URL) -> String {
    String(decoding: FileManager.default.contents(atPath: file.path) ?? Data(), as: UTF8.self)
  }
}
