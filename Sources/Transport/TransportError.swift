internal import CZeroMQ
internal import Glibc
package import Wire

/// Why frames could not be moved: a code to act on, and one sentence to show.
package struct TransportError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// Nothing happened before the deadline.
    case deadlineExceeded
    /// The wait was given up because an interrupt source fired (an abort from the coordinator).
    case interrupted
    /// Someone else is bound to the endpoint.
    case addressInUse
    /// The endpoint's host or interface does not exist here.
    case addressNotAvailable
    /// Not an endpoint that this transport understands.
    case invalidEndpoint
    /// No route to the peer: it is not connected, or not in the address book.
    case unreachablePeer
    /// A frame that is not well formed, or was corrupted on its way.
    case malformedFrame
    /// A message larger than the limit.
    case messageTooLarge
    /// TCP that would be neither encrypted nor authenticated, though nobody asked for that.
    case insecureEndpoint
    /// Not a key, or not a secret of the right form.
    case malformedKey
    /// The context was shut down.
    case terminated
    /// The system refused for want of descriptors or memory.
    case resourceExhausted
    /// Any other failed call.
    case systemCall
  }

  package var code: Code
  package var message: String
  package var endpoint: String?
  /// The rank at the other end, where known.
  package var peer: Int?
  /// The system's or ZeroMQ's error number, 0 when none is involved.
  package var errno: Int32
  /// What was wrong with the frame, when `code` is `malformedFrame`.
  package var frame: FrameError?

  package init(
    _ code: Code, _ message: String, endpoint: String? = nil, peer: Int? = nil, errno: Int32 = 0,
    frame: FrameError? = nil
  ) {
    self.code = code
    self.message = message
    self.endpoint = endpoint
    self.peer = peer
    self.errno = errno
    self.frame = frame
  }

  package var description: String { message }

  /// From a ZeroMQ call that has just failed on this thread.
  static func lastCall(_ call: String, endpoint: String? = nil, peer: Int? = nil) -> TransportError {
    let number = zmq_errno()
    let text = unsafe zmq_strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    let place = endpoint.map { " at \($0)" } ?? ""
    let code: Code =
      switch number {
      case EADDRINUSE: .addressInUse
      case EADDRNOTAVAIL, ENODEV: .addressNotAvailable
      case EINVAL, EPROTONOSUPPORT: .invalidEndpoint
      case EHOSTUNREACH: .unreachablePeer
      case ETERM: .terminated
      case EMFILE, ENOMEM: .resourceExhausted
      default: .systemCall
      }
    let advice =
      switch code {
      case .addressInUse: ": another process is listening there; choose another port, or 0 for any free one"
      case .addressNotAvailable:
        ": no interface of this host has that address; use one that `ip address` lists"
      case .invalidEndpoint: ": use tcp://HOST:PORT or ipc:///PATH"
      case .unreachablePeer: ": the peer is not connected"
      case .resourceExhausted: ": raise `ulimit -n`, or run fewer ranks on this host"
      default: ""
      }
    return TransportError(
      code, "\(call) failed\(place)\(advice) (\(text))", endpoint: endpoint, peer: peer, errno: number)
  }
}
