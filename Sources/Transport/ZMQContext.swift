internal import CZeroMQ

/// One ZeroMQ context: its I/O threads and all sockets made from it. One per process is enough.
///
/// A class, unlike the other owners of this room, because every socket keeps its context alive; it ends when the
/// last of them is gone. The end waits for unsent messages at most as long as the sockets' linger time.
@safe package final class ZMQContext: Sendable {
  // WHY: libzmq documents contexts as the one thing that many threads may use at once.
  nonisolated(unsafe) let handle: UnsafeMutableRawPointer
  /// How its sockets treat TCP.
  package let security: NetworkSecurity
  private let gatekeeper: Gatekeeper?

  /// The version of libzmq that is loaded, for instance "4.3.4".
  package static var libraryVersion: String {
    let version = czmqVersion()
    return "\(version / 10000).\(version / 100 % 100).\(version % 100)"
  }

  /// The name of a guest that may be any rank.
  package static let anyRank = "*"

  /// - Parameters:
  ///   - security: what its sockets do with TCP; refuse it when left out.
  ///   - numIOThreads: threads that move bytes; one carries about 1 GB/s.
  package init(security: NetworkSecurity = .localOnly, numIOThreads: Int = 1) throws(TransportError) {
    guard let handle = unsafe zmq_ctx_new() else { throw .lastCall("zmq_ctx_new") }
    unsafe self.handle = unsafe handle
    self.security = security
    _ = unsafe zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(clamping: max(1, numIOThreads)))
    do throws(TransportError) {
      gatekeeper = security.keys == nil ? nil : try unsafe Gatekeeper(context: handle)
    } catch {
      _ = unsafe zmq_ctx_term(handle)
      throw error
    }
  }

  /// Lets the holders of these public keys connect to encrypted sockets, each under the name given; others are turned
  /// away, for good once the list is `complete`.
  package func admit(_ guests: [String: String], complete: Bool = false) {
    gatekeeper?.admit(guests, complete: complete)
  }

  /// Connections that were turned away for their key.
  package var refusals: Refusals { gatekeeper?.refusals ?? Refusals() }

  deinit {
    gatekeeper?.close()
    while unsafe zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
  }

  /// Wakes every blocked call of this context's sockets with `terminated`; for signal handlers' threads.
  package func shutDown() {
    _ = unsafe zmq_ctx_shutdown(handle)
  }
}
