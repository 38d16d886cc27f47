internal import CZeroMQ

/// One ZeroMQ context: its I/O threads and all sockets made from it. One per process is enough.
///
/// A class, unlike the other owners of this room, because every socket keeps its context alive; it ends when the
/// last of them is gone. The end waits for unsent messages at most as long as the sockets' linger time.
@safe package final class ZMQContext: Sendable {
  // WHY: libzmq documents contexts as the one thing that many threads may use at once.
  nonisolated(unsafe) let handle: UnsafeMutableRawPointer

  /// - Parameter numIOThreads: threads that move bytes; one carries about 1 GB/s.
  package init(numIOThreads: Int = 1) throws(TransportError) {
    guard let handle = unsafe zmq_ctx_new() else { throw .lastCall("zmq_ctx_new") }
    unsafe self.handle = unsafe handle
    _ = unsafe zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(clamping: max(1, numIOThreads)))
  }

  deinit {
    while unsafe zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
  }

  /// Wakes every blocked call of this context's sockets with `terminated`; for signal handlers' threads.
  package func shutDown() {
    _ = unsafe zmq_ctx_shutdown(handle)
  }
}
