internal import CProcesses
internal import Glibc

/// A file descriptor that a polling loop can wait on: readable after `signal()` until `drain()`.
///
/// An eventfd: signalling is one system call, never blocks, and may be done in a signal handler.
package struct WakeDescriptor: Sendable {
  /// To be polled for reading by its one owner; lives as long as the process.
  package let descriptor: Int32

  /// Throws: `LaunchError` when the process has no file descriptor left.
  package init() throws(LaunchError) {
    descriptor = cprEventOpen()
    guard descriptor >= 0 else {
      throw LaunchError("no file descriptor is left (limit: ulimit -n); close some or raise the limit")
    }
  }

  package func signal() { cprEventSignal(descriptor) }

  /// Takes the pending signals; what was signalled before is to be looked at after this call.
  package func drain() { cprEventDrain(descriptor) }

  /// Gives the descriptor back; for owners that end before the process does.
  func close() { _ = Glibc.close(descriptor) }
}

/// What prevents starting or stopping ranks: one sentence.
package struct LaunchError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
