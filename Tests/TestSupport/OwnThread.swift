internal import Dispatch

/// Runs tasks on a thread of their own, so that a deadline in them counts the process under test and not the
/// queue for the few threads that all tests share.
package final class OwnThread: TaskExecutor {
  /// A serial queue of its own always gets a thread.
  private let queue = DispatchQueue(label: "own thread")

  package init() {}

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// What `body` returns; between its suspensions it may block its thread.
  package static func run<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await Task(executorPreference: OwnThread(), operation: body).value
  }
}
