internal import CProcesses
internal import Foundation
internal import Glibc
internal import Synchronization

/// SIGINT, SIGTERM and SIGHUP as something a polling loop can wait on.
///
/// The first one makes `descriptor` readable and stays in `received`: tear down, then exit with `exitCode`. A
/// second one ends the process at once, less only the removal of its run directories; ranks notice through
/// their life lines. A third one does not even wait for that.
package enum TerminationSignals {
  private static let first = Atomic<Int32>(0)
  private static let count = Atomic<Int>(0)
  private static let firstDescriptor = Atomic<Int32>(-1)
  private static let secondDescriptor = Atomic<Int32>(-1)
  private static let directories = Mutex<[RunDirectory]>([])

  /// Installs the handlers, once, before ranks are started; also ignores SIGPIPE, so that a closed pipe is an
  /// error of the write and not the end of the process. `secondEndsAtOnce` is false for ranks, which get
  /// several signals when they are orphaned and must still clean up.
  ///
  /// Throws: `LaunchError` when the process has no file descriptor left.
  package static func install(secondEndsAtOnce: Bool = true) throws(LaunchError) {
    guard firstDescriptor.load(ordering: .relaxed) < 0 else { return }
    if secondEndsAtOnce { try watchForSecond() }
    firstDescriptor.store(try WakeDescriptor().descriptor, ordering: .sequentiallyConsistent)
    // Made now: the handler must not be the first to touch them.
    _ = first.load(ordering: .relaxed)
    _ = count.load(ordering: .relaxed)
    for signal in [SIGINT, SIGTERM, SIGHUP] {
      // nohup means what it says; and a parent may have left signals blocked.
      if signal == SIGHUP && cprIsIgnored(signal) != 0 { continue }
      cprUnblock(signal)
      _ = Glibc.signal(signal) { TerminationSignals.handle($0) }
    }
    _ = Glibc.signal(SIGPIPE, SIG_IGN)
  }

  /// For commands that have nothing to take down but run directories: the first signal ends the process, less only the
  /// removal of those.
  package static func endAtFirst() throws(LaunchError) {
    try install()
    count.store(1, ordering: .sequentiallyConsistent)
  }

  /// Readable once a signal has come, and then for ever; -1 before `install`.
  package static var descriptor: Int32 { firstDescriptor.load(ordering: .sequentiallyConsistent) }

  /// The first signal; nil when none has come.
  package static var received: Int32? {
    let number = first.load(ordering: .sequentiallyConsistent)
    return number == 0 ? nil : number
  }

  /// Takes back a SIGINT that has been dealt with, as by ending an answer, so that the next one counts as the first;
  /// false, and nothing changes, when none has come or another signal has.
  package static func takeInterrupt() -> Bool {
    guard first.load(ordering: .sequentiallyConsistent) == SIGINT else { return false }
    cprEventDrain(firstDescriptor.load(ordering: .relaxed))
    count.store(0, ordering: .sequentiallyConsistent)
    first.store(0, ordering: .sequentiallyConsistent)
    return true
  }

  /// The exit code that tells a shell of the signal: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP.
  package static func exitCode(for signal: Int32) -> Int32 { 128 + signal }

  /// `directory` is to be removed should a second signal end the process.
  static func remember(_ directory: RunDirectory) { directories.withLock { $0.append(directory) } }

  static func forget(_ directory: RunDirectory) {
    directories.withLock { $0.removeAll { $0.path == directory.path } }
  }

  /// Only atomics and one write: a handler may run at any instruction of any thread.
  /// `first` is set last: whoever sees it may take it back, and then nothing of this call may follow.
  private static func handle(_ number: Int32) {
    let second = secondDescriptor.load(ordering: .relaxed)
    if second >= 0 {
      switch count.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue {
      case 1: break
      case 2:
        _ = first.compareExchange(expected: 0, desired: number, ordering: .sequentiallyConsistent)
        cprEventSignal(second)
      default: _exit(exitCode(for: number))
      }
    }
    cprEventSignal(firstDescriptor.load(ordering: .relaxed))
    _ = first.compareExchange(expected: 0, desired: number, ordering: .sequentiallyConsistent)
  }

  private static func watchForSecond() throws(LaunchError) {
    let wake = try WakeDescriptor()
    let watch = cprWatchOpen()
    guard watch >= 0, cprWatchAdd(watch, wake.descriptor, 0) == 0 else {
      throw LaunchError("no file descriptor is left (limit: ulimit -n); close some or raise the limit")
    }
    secondDescriptor.store(wake.descriptor, ordering: .sequentiallyConsistent)
    let thread = Thread {
      while cprWatchNext(watch, -1) != 0 {}
      for directory in directories.withLock({ $0 }) { directory.remove() }
      _exit(exitCode(for: received ?? SIGINT))
    }
    thread.name = "signals"
    thread.start()
  }
}
