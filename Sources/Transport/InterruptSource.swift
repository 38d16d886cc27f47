internal import Glibc

/// Something that may end a wait on the data plane early: an abort from the coordinator.
package protocol InterruptSource: AnyObject {
  /// Becomes readable when there may be an interrupt.
  var pollTarget: PollTarget { get }

  /// Looks once, without waiting: true when the wait has to end. Must leave the target unreadable otherwise.
  func checkInterrupt() throws(TransportError) -> Bool
}

/// A flag with a file descriptor: one thread raises it, another waits for it together with sockets.
///
/// A pipe that is never read empty by accident: raised means that a byte is in it. As an interrupt source it stays
/// raised until `clear()`.
package final class EventDescriptor: InterruptSource, Sendable {
  /// Readable while the flag is raised.
  package let descriptor: Int32
  private let writeEnd: Int32

  package init() throws(TransportError) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else {
      let number = errno
      throw TransportError(
        .resourceExhausted, "no event descriptor can be had (errno \(number)): raise `ulimit -n`",
        errno: number)
    }
    descriptor = ends[0]
    writeEnd = ends[1]
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
  }

  deinit {
    close(descriptor)
    close(writeEnd)
  }

  /// Raises the flag; any thread. A full pipe means that it is raised already.
  package func signal() {
    var one: UInt8 = 1
    _ = unsafe write(writeEnd, &one, 1)
  }

  /// Takes the flag back; true when it was raised.
  @discardableResult
  package func clear() -> Bool {
    var taken = false
    var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    while true {
      let count = unsafe read(descriptor, &bytes, 32)
      if count <= 0 { return taken }
      taken = true
      if count < 32 { return true }
    }
  }

  package var pollTarget: PollTarget { PollTarget(descriptor: descriptor) }

  package func checkInterrupt() -> Bool {
    var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&item, 1, 0) > 0
  }
}
