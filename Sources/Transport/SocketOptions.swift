internal import CZeroMQ

/// How a socket behaves: bounds on everything that could grow or wait.
///
/// There are no ZMTP heartbeats: a receiver that reads slowly would lose healthy connections to them. Liveness is
/// the business of pulses on the control plane and of deadlines on the data plane.
package struct SocketOptions: Sendable {
  /// Messages that may wait on either side before a sender has to; never 0, which would mean no bound.
  package var highWaterMark = 1024
  /// Largest message taken from a peer; a larger one costs the peer its connection.
  package var maxMessageBytes = 256 << 20
  /// How long closing waits for unsent messages.
  package var lingerMilliseconds = 0
  /// A peer that has not finished the protocol handshake by then is cut off.
  package var handshakeMilliseconds = 2000
  /// First and last pause between attempts to reconnect.
  package var reconnectMilliseconds = 10...500
  /// The name a ROUTER sees, 1 ... 255 bytes; nil lets it make one up.
  package var routingID: [UInt8]?
  /// ROUTER only: refuse to send to an unknown name, instead of dropping silently.
  package var isRouterMandatory = true

  package init() {}
}

extension ZMQSocket {
  func apply(_ options: SocketOptions) throws(TransportError) {
    precondition(
      options.highWaterMark > 0, "a high-water mark of \(options.highWaterMark) would mean no bound")
    try set(ZMQ_SNDHWM, Int32(clamping: options.highWaterMark), "ZMQ_SNDHWM")
    try set(ZMQ_RCVHWM, Int32(clamping: options.highWaterMark), "ZMQ_RCVHWM")
    try set(ZMQ_MAXMSGSIZE, Int64(clamping: options.maxMessageBytes), "ZMQ_MAXMSGSIZE")
    try set(ZMQ_LINGER, Int32(clamping: options.lingerMilliseconds), "ZMQ_LINGER")
    try set(ZMQ_HANDSHAKE_IVL, Int32(clamping: options.handshakeMilliseconds), "ZMQ_HANDSHAKE_IVL")
    try set(ZMQ_RECONNECT_IVL, Int32(clamping: options.reconnectMilliseconds.lowerBound), "ZMQ_RECONNECT_IVL")
    try set(
      ZMQ_RECONNECT_IVL_MAX, Int32(clamping: options.reconnectMilliseconds.upperBound),
      "ZMQ_RECONNECT_IVL_MAX")
    if kind == .router {
      try set(ZMQ_ROUTER_MANDATORY, Int32(options.isRouterMandatory ? 1 : 0), "ZMQ_ROUTER_MANDATORY")
    }
    if let name = options.routingID { try set(ZMQ_ROUTING_ID, bytes: name, "ZMQ_ROUTING_ID") }
  }

  /// Before binding: this side listens, and the gatekeeper of its context says to whom.
  func setCurveServer(_ keys: CurveKeys) throws(TransportError) {
    try set(ZMQ_CURVE_SERVER, Int32(1), "ZMQ_CURVE_SERVER")
    try set(ZMQ_CURVE_SECRETKEY, bytes: Array(keys.secretKey.utf8) + [0], "ZMQ_CURVE_SECRETKEY")
  }

  /// Before connecting: with these keys, to whoever holds the secret of `serverKey`.
  func setCurveClient(_ keys: CurveKeys, serverKey: String) throws(TransportError) {
    try set(ZMQ_CURVE_SERVERKEY, bytes: Array(serverKey.utf8) + [0], "ZMQ_CURVE_SERVERKEY")
    try set(ZMQ_CURVE_PUBLICKEY, bytes: Array(keys.publicKey.utf8) + [0], "ZMQ_CURVE_PUBLICKEY")
    try set(ZMQ_CURVE_SECRETKEY, bytes: Array(keys.secretKey.utf8) + [0], "ZMQ_CURVE_SECRETKEY")
  }

  private func set<T: FixedWidthInteger>(_ option: Int32, _ value: T, _ name: String) throws(TransportError) {
    var value = value
    guard unsafe zmq_setsockopt(handle, option, &value, MemoryLayout<T>.size) == 0 else {
      throw .lastCall("setting \(name) to \(value)")
    }
  }

  private func set(_ option: Int32, bytes: [UInt8], _ name: String) throws(TransportError) {
    guard unsafe zmq_setsockopt(handle, option, bytes, bytes.count) == 0 else {
      throw .lastCall("setting \(name)")
    }
  }

  func option(text option: Int32, capacity: Int) throws(TransportError) -> String {
    var bytes = [UInt8](repeating: 0, count: capacity)
    var count = capacity
    guard unsafe zmq_getsockopt(handle, option, &bytes, &count) == 0 else {
      throw .lastCall("reading socket option \(option)")
    }
    return String(decoding: bytes.prefix(count).prefix { $0 != 0 }, as: UTF8.self)
  }
}
