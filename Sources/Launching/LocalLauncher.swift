internal import Dispatch
internal import Glibc
internal import Synchronization

/// Starts ranks as child processes of this one, watches them, and stops them within a bounded time.
///
/// For synchronous owners: `start` returns at once, ends arrive in a queue (`takeExits`) announced on
/// `exitDescriptor`. Each rank leads its own process group, so that Ctrl-C at the terminal reaches the
/// coordinator alone; its standard input is a pipe that only this process holds (`LifeLine`), its standard
/// error is kept by its last lines, its standard output is discarded. No zombie is left. One thread of its
/// own starts and watches all ranks through their pidfds: an end is known in well under a millisecond however
/// busy the owner or the cooperative pool is.
package final class LocalLauncher: Sendable {
  private let watcher: ChildWatcher

  /// `lineWritten` is called on the launcher's thread for every line that a rank writes to standard error; it
  /// must not block.
  ///
  /// Throws: `LaunchError` when the process has no file descriptor left.
  package init(
    lineWritten: @escaping @Sendable (_ rank: Int, _ line: String) -> Void = { _, _ in }
  ) throws(LaunchError) {
    watcher = try ChildWatcher(lineWritten: lineWritten)
    watcher.startThread()
  }

  /// Ranks that still run are killed.
  deinit { watcher.close() }

  /// Readable while `takeExits` has something to give; for the poll of its one owner.
  package var exitDescriptor: Int32 { watcher.exitWake.descriptor }

  /// Starts every rank of `plan`, in order.
  @discardableResult
  package func start(_ plan: LaunchPlan) -> [Incarnation] { plan.ranks.map { start($0) } }

  /// Starts one rank; a failure to start arrives as an exit.
  @discardableResult
  package func start(_ launch: RankLaunch) -> Incarnation { watcher.start(launch) }

  /// The ends since the last call, oldest first.
  package func takeExits() -> [RankExit] {
    watcher.exitWake.drain()
    return watcher.state.withLock { state in
      defer { state.exits = [] }
      return state.exits
    }
  }

  /// The ranks that have not ended.
  package var liveRanks: [Int] { watcher.state.withLock { $0.children.values.map(\.launch.rank).sorted() } }

  /// Process id of a living incarnation; nil before it runs and after its end.
  package func pid(of incarnation: Incarnation) -> Int32? {
    watcher.state.withLock { $0.children[incarnation]?.pid }
  }

  /// Sends `signal` to a living incarnation through its pidfd, so that no stranger with a reused process id
  /// is ever hit; one that is still being started gets it then. Does nothing after its end.
  package func send(_ signal: Int32, to incarnation: Incarnation) {
    watcher.state.withLock { $0.children[incarnation]?.receive(signal) }
  }

  /// Sends `signal` once `delay` has passed, to the same incarnation if it still lives.
  package func send(_ signal: Int32, to incarnation: Incarnation, after delay: Duration) {
    watcher.send(signal, to: incarnation, after: delay)
  }

  /// Ends every rank: SIGTERM, at most `grace` of waiting, SIGKILL, at most two seconds more.
  ///
  /// Blocks the calling thread. The exits still come through `takeExits`. Returns: the ranks that could not
  /// be killed (stuck in the kernel); empty otherwise.
  @discardableResult
  package func stop(grace: Duration = .seconds(2)) -> [Int] {
    // A stopped process acts on SIGTERM only once it is continued.
    sendAll(SIGTERM)
    sendAll(SIGCONT)
    if !wait(for: grace, until: { $0.children.isEmpty }) {
      sendAll(SIGKILL)
      _ = wait(for: .seconds(2)) { $0.children.isEmpty }
    }
    return liveRanks
  }

  /// Blocks until `count` exits are waiting to be taken or `deadline` has passed; tells which.
  package func waitForExits(_ count: Int, deadline: Duration) -> Bool {
    wait(for: deadline) { $0.exits.count >= count }
  }

  private func wait(for limit: Duration, until condition: (ChildWatcher.State) -> Bool) -> Bool {
    let end = ContinuousClock.now + limit
    while !watcher.state.withLock({ condition($0) }) {
      let left = end - .now
      guard left > .zero else { return false }
      _ = watcher.changed.wait(timeout: .now() + .milliseconds(max(1, Int(left / .milliseconds(1)))))
    }
    return true
  }

  private func sendAll(_ signal: Int32) {
    watcher.state.withLock { state in
      for incarnation in state.children.keys { state.children[incarnation]?.receive(signal) }
    }
  }
}
