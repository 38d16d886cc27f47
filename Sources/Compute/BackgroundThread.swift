internal import CLinux
internal import Glibc

/// A thread beside the compute team, for what must go on while the team computes: the pulse.
package enum BackgroundThread {
  private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a detached thread with a name of at most 15 bytes; false when the system has no more of them.
  package static func start(name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
    let opaque = unsafe Unmanaged.passRetained(Start(name, body)).toOpaque()
    var thread = pthread_t()
    let failure = unsafe pthread_create(
      &thread, nil,
      { opaque in
        guard let opaque = unsafe opaque else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(opaque).takeRetainedValue()
        _ = unsafe linuxSetThreadName(start.name)
        start.body()
        return nil
      }, opaque)
    guard failure == 0 else {
      unsafe Unmanaged<Start>.fromOpaque(opaque).release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}
