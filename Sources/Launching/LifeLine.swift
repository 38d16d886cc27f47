internal import CProcesses
internal import Foundation
internal import Glibc

/// Ties a rank to its coordinator: when that is gone, by whatever means, the rank removes the run directory
/// and exits.
///
/// Two strings: standard input, whose other end only the coordinator holds, and the signals of a teardown.
/// Both are watched by a thread apart from the rank's own, so that a rank that is stuck in a computation ends
/// all the same. A stopped rank is continued by the kernel when its coordinator dies.
package enum LifeLine {
  /// Exit code of a rank whose coordinator is gone.
  package static let orphanedExitCode: Int32 = 75

  /// To be called first thing in a rank, from its main thread.
  ///
  /// `runDirectory` is removed when the coordinator is gone; nil leaves files alone. `watchInput` is for
  /// ranks whose standard input is the launcher's pipe; others have only the signals. Throws: `LaunchError`
  /// when the process has no file descriptor left.
  package static func attach(runDirectory: RunDirectory?, watchInput: Bool = true) throws(LaunchError) {
    let coordinator = getppid()
    try TerminationSignals.install(secondEndsAtOnce: false)
    let watch = cprWatchOpen()
    guard watch >= 0, cprWatchAdd(watch, TerminationSignals.descriptor, 0) == 0 else {
      throw LaunchError("no file descriptor is left (limit: ulimit -n); close some or raise the limit")
    }
    // Fails for a plain file or /dev/null, which have no other end to watch.
    if watchInput { _ = cprWatchAdd(watch, STDIN_FILENO, 1) }
    let thread = Thread {
      while true {
        switch cprWatchNext(watch, -1) {
        case 0:
          if getppid() != coordinator { leaveOrphaned(runDirectory) }
          _exit(TerminationSignals.exitCode(for: TerminationSignals.received ?? SIGTERM))
        case 1 where FileHandle.standardInput.availableData.isEmpty:
          leaveOrphaned(runDirectory)
        default: continue
        }
      }
    }
    thread.name = "lifeline"
    thread.start()
    // A stopped rank must go on to see the end; SIGCONT does nothing to the others.
    cprParentDeathSignal(SIGCONT)
  }

  /// Ends a rank whose coordinator is silent, though its process may still be there: stopped, hung, or behind a network
  /// that is cut. The run directory is its coordinator's and stays.
  package static func leave(saying sentence: String) -> Never {
    try? FileHandle.standardError.write(contentsOf: Data("error: \(sentence)\n".utf8))
    _exit(orphanedExitCode)
  }

  private static func leaveOrphaned(_ runDirectory: RunDirectory?) -> Never {
    runDirectory?.remove()
    _exit(orphanedExitCode)
  }
}
