internal import CLinux
internal import CZeroMQ
internal import Glibc

/// Something that becomes readable: a file descriptor, or a ZeroMQ socket.
@safe package struct PollTarget {
  @unsafe let socket: UnsafeMutableRawPointer?
  /// Of a socket: where ZeroMQ signals that something has changed. It tells of changes only, not of states.
  let descriptor: Int32

  package init(descriptor: Int32) {
    unsafe self.socket = nil
    self.descriptor = descriptor
  }

  init(socket: UnsafeMutableRawPointer, descriptor: Int32) {
    unsafe self.socket = unsafe socket
    self.descriptor = descriptor
  }

  /// Sleeps until this target or `other` signals or `deadline` has passed; false when the deadline has.
  ///
  /// For sockets that have just said that they have nothing: then any later change signals. One system call, where
  /// `Poller.wait` needs several.
  func sleep(or other: PollTarget?, until deadline: Deadline) throws(TransportError) -> Bool {
    var items = (
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: other?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
    )
    while true {
      let ready = unsafe withUnsafeMutablePointer(to: &items) { pointer in
        unsafe pointer.withMemoryRebound(to: pollfd.self, capacity: 2) { items in
          unsafe linuxPoll(items, 2, deadline.remainingNanoseconds)
        }
      }
      if ready > 0 { return true }
      if ready < 0 && errno != EINTR {
        throw TransportError(.systemCall, "waiting failed (errno \(errno))", errno: errno)
      }
      if deadline.hasPassed { return false }
    }
  }
}

/// A fixed set of things to wait for at once, with a deadline. Allocates when made, never when waiting.
@safe package struct Poller: ~Copyable {
  @unsafe private let items: UnsafeMutablePointer<zmq_pollitem_t>
  package let capacity: Int
  package private(set) var count = 0

  package init(capacity: Int) {
    self.capacity = max(1, capacity)
    unsafe items = .allocate(capacity: self.capacity)
    unsafe items.initialize(repeating: zmq_pollitem_t(), count: self.capacity)
  }

  deinit { unsafe items.deallocate() }

  package mutating func removeAll() { count = 0 }

  /// Adds a target and returns its place, for `isReady`.
  @discardableResult
  package mutating func add(_ target: PollTarget, forWriting: Bool = false) -> Int {
    precondition(count < capacity, "a poller of \(capacity) targets is full")
    unsafe items[count] = unsafe zmq_pollitem_t(
      socket: target.socket, fd: target.descriptor, events: Int16(forWriting ? ZMQ_POLLOUT : ZMQ_POLLIN),
      revents: 0)
    count += 1
    return count - 1
  }

  /// Waits until a target is ready or `deadline` has passed; returns how many are ready.
  package mutating func wait(until deadline: Deadline) throws(TransportError) -> Int {
    while true {
      let ready = unsafe zmq_poll(items, Int32(count), deadline.pollMilliseconds)
      if ready > 0 { return Int(ready) }
      if ready == 0 {
        if deadline.hasPassed { return 0 }
      } else if zmq_errno() != EINTR {
        throw .lastCall("waiting")
      } else if deadline.hasPassed {
        return 0
      }
    }
  }

  /// Whether the target at `place` was ready, or in error, after the last wait.
  package func isReady(_ place: Int) -> Bool {
    precondition(place >= 0 && place < count, "place \(place) of \(count)")
    return unsafe items[place].revents != 0
  }
}
