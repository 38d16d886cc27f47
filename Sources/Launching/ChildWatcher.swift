internal import CProcesses
internal import Dispatch
internal import Foundation
internal import Glibc
internal import Synchronization

/// The thread of a `LocalLauncher`: starts what is asked for, reads standard errors, waits for ends.
///
/// It starts the ranks itself because their parent-death signal is tied to the thread that started them, and
/// this one lives as long as the launcher.
final class ChildWatcher: Sendable {
  /// A rank from the request to start it until its end.
  struct Child {
    let launch: RankLaunch
    var pid: Int32?
    /// -1 until it runs.
    var pidfd: Int32 = -1
    /// Signals sent before it ran.
    var waiting: [Int32] = []

    mutating func receive(_ signal: Int32) {
      if pidfd >= 0 { _ = cprPidfdSignal(pidfd, signal) } else { waiting.append(signal) }
    }
  }

  /// A signal that is sent later.
  struct Delayed {
    let due: ContinuousClock.Instant
    let signal: Int32
    let incarnation: Incarnation
  }

  struct State {
    var nextIncarnation = 0
    var children: [Incarnation: Child] = [:]
    var toStart: [Incarnation] = []
    var delayed: [Delayed] = []
    var exits: [RankExit] = []
    var closed = false
  }

  let state = Mutex(State())
  let exitWake: WakeDescriptor
  /// Signalled at every end, for bounded waits.
  let changed = DispatchSemaphore(value: 0)
  private let commandWake: WakeDescriptor
  private let watch: Int32
  private let lineWritten: @Sendable (Int, String) -> Void

  init(lineWritten: @escaping @Sendable (Int, String) -> Void) throws(LaunchError) {
    exitWake = try WakeDescriptor()
    commandWake = try WakeDescriptor()
    watch = cprWatchOpen()
    guard watch >= 0, cprWatchAdd(watch, commandWake.descriptor, Tag.command) == 0 else {
      throw LaunchError("no file descriptor is left to watch ranks; close some or raise ulimit -n")
    }
    self.lineWritten = lineWritten
  }

  deinit {
    exitWake.close()
    commandWake.close()
    Glibc.close(watch)
  }

  func startThread() {
    let thread = Thread { self.run() }
    thread.name = "launcher"
    thread.start()
  }

  func start(_ launch: RankLaunch) -> Incarnation {
    let incarnation = state.withLock { state in
      let incarnation = Incarnation(state.nextIncarnation)
      state.nextIncarnation += 1
      state.children[incarnation] = Child(launch: launch)
      state.toStart.append(incarnation)
      return incarnation
    }
    commandWake.signal()
    return incarnation
  }

  /// The thread sends it when it is due: a queue or a timer would make threads and descriptors of its own.
  func send(_ signal: Int32, to incarnation: Incarnation, after delay: Duration) {
    state.withLock {
      $0.delayed.append(Delayed(due: .now + delay, signal: signal, incarnation: incarnation))
    }
    commandWake.signal()
  }

  /// Ends the thread once every child has been killed and waited for.
  func close() {
    state.withLock { state in
      state.closed = true
      for incarnation in state.children.keys { state.children[incarnation]?.receive(SIGKILL) }
    }
    commandWake.signal()
  }

  // MARK: On the thread

  private func run() {
    var running = RunningChildren()
    while true {
      let tag = cprWatchNext(watch, sendDue())
      guard tag >= 0 else { continue }
      if UInt64(tag) == Tag.command {
        commandWake.drain()
        for incarnation in takeStarts() { spawn(incarnation, &running) }
      } else if Tag.isError(UInt64(tag)) {
        readError(Tag.incarnation(UInt64(tag)), &running)
      } else {
        finish(Tag.incarnation(UInt64(tag)), &running)
      }
      if state.withLock({ $0.closed && $0.children.isEmpty }) { return }
    }
  }

  /// Sends what is due. Returns: milliseconds until the next is; -1 when nothing waits.
  private func sendDue() -> Int32 {
    state.withLock { state in
      let now = ContinuousClock.now
      for delayed in state.delayed where delayed.due <= now {
        state.children[delayed.incarnation]?.receive(delayed.signal)
      }
      state.delayed.removeAll { $0.due <= now }
      guard let next = state.delayed.map(\.due).min() else { return -1 }
      return Int32(clamping: Int((next - now) / .milliseconds(1)) + 1)
    }
  }

  private func takeStarts() -> [Incarnation] {
    state.withLock { state in
      defer { state.toStart = [] }
      return state.toStart
    }
  }

  private func spawn(_ incarnation: Incarnation, _ running: inout RunningChildren) {
    guard let launch = state.withLock({ $0.children[incarnation]?.launch }) else { return }
    let variables = ProcessInfo.processInfo.environment.merging(launch.environment) { _, new in new }
    do {
      let child = try ChildProcess.start(
        executable: launch.executable, arguments: launch.arguments,
        environment: variables.map { "\($0.key)=\($0.value)" }, input: launch.input)
      state.withLock { state in
        state.children[incarnation]?.pid = child.pid
        state.children[incarnation]?.pidfd = child.pidfd
        for signal in state.children[incarnation]?.waiting ?? [] { _ = cprPidfdSignal(child.pidfd, signal) }
      }
      _ = cprWatchAdd(watch, child.errorDescriptor, Tag.error(incarnation))
      _ = cprWatchAdd(watch, child.pidfd, Tag.end(incarnation))
      running.insert(child, incarnation)
    } catch {
      report(incarnation, .notStarted(reason: error.description), lastLines: [])
    }
  }

  private func readError(_ incarnation: Incarnation, _ running: inout RunningChildren) {
    let rank = state.withLock { $0.children[incarnation]?.launch.rank ?? -1 }
    let ended = running.readError(incarnation) { lineWritten(rank, $0) }
    // A pipe at its end is readable for ever; the pidfd tells of the rest.
    if let ended { cprWatchRemove(watch, ended) }
  }

  private func finish(_ incarnation: Incarnation, _ running: inout RunningChildren) {
    readError(incarnation, &running)
    guard let (code, lines) = running.reap(incarnation) else { return }
    // Out of the table first: from here nobody signals through the pidfd, and only then may it be closed.
    report(incarnation, code < 256 ? .exited(code: code) : .killed(signal: code - 256), lastLines: lines)
    running.remove(incarnation)
  }

  private func report(_ incarnation: Incarnation, _ ending: RankExit.Ending, lastLines: [String]) {
    state.withLock { state in
      guard let child = state.children.removeValue(forKey: incarnation) else { return }
      state.exits.append(
        RankExit(
          rank: child.launch.rank, host: child.launch.host, incarnation: incarnation, pid: child.pid,
          ending: ending, lastLines: lastLines))
    }
    exitWake.signal()
    changed.signal()
  }
}

/// Whose descriptor became readable: 0 for commands, else the incarnation and which of its two.
private enum Tag {
  static let command: UInt64 = 0

  static func error(_ incarnation: Incarnation) -> UInt64 { UInt64(incarnation.number) * 2 + 2 }
  static func end(_ incarnation: Incarnation) -> UInt64 { UInt64(incarnation.number) * 2 + 3 }
  static func isError(_ tag: UInt64) -> Bool { tag.isMultiple(of: 2) }
  static func incarnation(_ tag: UInt64) -> Incarnation { Incarnation(Int((tag - 2) / 2)) }
}
