internal import Foundation
internal import Synchronization

/// A process that the harness started: what it has printed so far, and signals to it.
package final class RunningProcess: Sendable {
  private struct State {
    var pid: Int32 = 0
    var ending: ProcessOutcome.Ending?
  }

  private let outputFile: URL
  private let errorFile: URL
  private let state = Mutex(State())

  init(folder: URL) {
    outputFile = folder.appendingPathComponent("stdout")
    errorFile = folder.appendingPathComponent("stderr")
  }

  /// Process id.
  package var pid: Int32 { state.withLock { $0.pid } }
  /// What it has printed so far.
  package var standardOutput: String { text(of: outputFile) }
  package var standardError: String { text(of: errorFile) }
  /// How it ended; nil while it runs.
  package var ending: ProcessOutcome.Ending? { state.withLock { $0.ending } }

  /// Sends a signal, for instance `SIGINT`, unless it has ended.
  package func send(_ signal: Int32) {
    state.withLock { if $0.ending == nil && $0.pid > 0 { _ = kill($0.pid, signal) } }
  }

  /// Waits until `condition` holds for what was printed, or the process has ended. Blocks the harness's own
  /// thread.
  package func wait(until condition: @Sendable (RunningProcess) -> Bool) async throws {
    while !condition(self) && ending == nil { usleep(2000) }
  }

  func started(pid: Int32) { state.withLock { $0.pid = pid } }

  /// Notes its end once it has one, and says whether it has.
  ///
  /// Asks the system itself: Foundation's one thread for all children sits in `waitpid` for a child that has
  /// closed its descriptors and lives on, and hears of no other end until that one comes.
  func hasEnded() -> Bool {
    state.withLock {
      if $0.ending == nil { $0.ending = ProcessOutcome.Ending(ofChild: $0.pid) }
      return $0.ending != nil
    }
  }

  func ended(_ reason: Process.TerminationReason, _ status: Int32) {
    state.withLock { $0.ending = reason == .exit ? .exited(status) : .signalled(status) }
  }

  private func text(of file: URL) -> String {
    String(decoding: FileManager.default.contents(atPath: file.path) ?? Data(), as: UTF8.self)
  }
}
