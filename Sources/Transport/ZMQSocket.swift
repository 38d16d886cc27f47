internal import CZeroMQ

/// One ZeroMQ socket, closed when its owner goes. Not `Sendable`: it stays on the thread that made it.
@safe package struct ZMQSocket: ~Copyable {
  package enum Kind: Sendable, Hashable {
    case push, pull, router, dealer, pair
  }

  /// Kept alive by its sockets; nil for the one socket that belongs to its context.
  private let context: ZMQContext?
  package let kind: Kind
  @unsafe let handle: UnsafeMutableRawPointer
  /// What a poller has to watch for this socket.
  package let pollTarget: PollTarget

  package init(_ context: ZMQContext, _ kind: Kind, _ options: SocketOptions = SocketOptions())
    throws(TransportError)
  {
    guard let handle = unsafe zmq_socket(context.handle, kind.type) else { throw .lastCall("zmq_socket") }
    self = try unsafe ZMQSocket(context, kind, handle).applying(options)
  }

  /// For the context's own thread: does not keep the context alive.
  @unsafe init(unownedContext: UnsafeMutableRawPointer, _ kind: Kind) throws(TransportError) {
    guard let handle = unsafe zmq_socket(unownedContext, kind.type) else { throw .lastCall("zmq_socket") }
    self = try unsafe ZMQSocket(nil, kind, handle).applying(SocketOptions())
  }

  private init(_ context: ZMQContext?, _ kind: Kind, _ handle: UnsafeMutableRawPointer) {
    self.context = context
    self.kind = kind
    unsafe self.handle = unsafe handle
    var descriptor: Int32 = -1
    var size = MemoryLayout<Int32>.size
    _ = unsafe zmq_getsockopt(handle, ZMQ_FD, &descriptor, &size)
    pollTarget = unsafe PollTarget(socket: handle, descriptor: descriptor)
  }

  private consuming func applying(_ options: SocketOptions) throws(TransportError) -> ZMQSocket {
    try apply(options)
    return self
  }

  deinit {
    _ = unsafe zmq_close(handle)
  }

  /// How the context treats TCP.
  var security: NetworkSecurity { context?.security ?? .localOnly }

  /// Listens for sockets of the same context.
  func bind(inProcess address: String) throws(TransportError) {
    guard unsafe zmq_bind(handle, address) == 0 else { throw .lastCall("binding", endpoint: address) }
  }

  /// Binds and returns the endpoint that peers can connect to, with a wildcard port replaced by the real one.
  ///
  /// With its key, where the context is encrypted.
  ///
  /// - Throws: `addressInUse` also for an `ipc://` path that another process listens on: libzmq alone would steal it.
  package func bind(_ endpoint: Endpoint) throws(TransportError) -> Endpoint {
    try endpoint.checkBindable()
    let key = try secure(listeningAt: endpoint)
    guard unsafe zmq_bind(handle, endpoint.bindText) == 0 else {
      throw .lastCall("binding", endpoint: endpoint.address)
    }
    let bound = try Endpoint(try option(text: ZMQ_LAST_ENDPOINT, capacity: 256))
    return bound.with(key: key)
  }

  /// Connects; ZeroMQ keeps trying in the background, so a peer that is not there yet is no error.
  package func connect(_ endpoint: Endpoint) throws(TransportError) {
    try secure(connectingTo: endpoint)
    guard unsafe zmq_connect(handle, endpoint.address) == 0 else {
      throw .lastCall("connecting", endpoint: endpoint.address)
    }
  }

  /// Forgets a connection made before.
  package func disconnect(_ endpoint: Endpoint) throws(TransportError) {
    guard unsafe zmq_disconnect(handle, endpoint.address) == 0 else {
      throw .lastCall("disconnecting", endpoint: endpoint.address)
    }
  }

  /// Queues `message` without waiting; false when the queue is full, and the message is still the caller's.
  package func trySend(_ message: borrowing ZMQMessage, more: Bool = false) throws(TransportError) -> Bool {
    while true {
      if unsafe zmq_msg_send(message.cell, handle, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0 {
        return true
      }
      switch zmq_errno() {
      case EAGAIN: return false
      case EINTR: continue
      default: throw .lastCall("sending")
      }
    }
  }

  /// Takes the next message into `message` without waiting; false when there is none.
  package func tryReceive(into message: borrowing ZMQMessage) throws(TransportError) -> Bool {
    while true {
      if unsafe zmq_msg_recv(message.cell, handle, ZMQ_DONTWAIT) >= 0 { return true }
      switch zmq_errno() {
      case EAGAIN: return false
      case EINTR: continue
      default: throw .lastCall("receiving")
      }
    }
  }
}

extension ZMQSocket.Kind {
  fileprivate var type: Int32 {
    switch self {
    case .push: ZMQ_PUSH
    case .pull: ZMQ_PULL
    case .router: ZMQ_ROUTER
    case .dealer: ZMQ_DEALER
    case .pair: ZMQ_PAIR
    }
  }
}
