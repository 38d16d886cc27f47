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
  package var security = SocketSecurity.none

  package init() {}
}

/// Who may talk to a socket, and whether the bytes are encrypted.
package enum SocketSecurity: Sendable, Hashable {
  /// Plain; for `ipc://` in a private directory, or by explicit wish.
  case none
  /// The listening side of CURVE.
  case curveServer(CurveKeys)
  /// The connecting side of CURVE: its own keys, and the public key it expects at the other end.
  case curveClient(CurveKeys, serverPublicKey: String)
}

/// A CURVE25519 key pair in ZeroMQ's printable form (Z85, 40 characters each).
package struct CurveKeys: Sendable, Hashable {
  package var publicKey: String
  package var secretKey: String

  package init(publicKey: String, secretKey: String) {
    self.publicKey = publicKey
    self.secretKey = secretKey
  }

  /// A fresh pair.
  package static func generate() throws(TransportError) -> CurveKeys {
    var publicKey = [CChar](repeating: 0, count: 41)
    var secretKey = [CChar](repeating: 0, count: 41)
    guard unsafe zmq_curve_keypair(&publicKey, &secretKey) == 0 else { throw .lastCall("zmq_curve_keypair") }
    return CurveKeys(publicKey: text(publicKey), secretKey: text(secretKey))
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
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
    switch options.security {
    case .none: break
    case .curveServer(let keys):
      try set(ZMQ_CURVE_SERVER, Int32(1), "ZMQ_CURVE_SERVER")
      try set(ZMQ_CURVE_SECRETKEY, bytes: Array(keys.secretKey.utf8) + [0], "ZMQ_CURVE_SECRETKEY")
    case .curveClient(let keys, let serverPublicKey):
      try set(ZMQ_CURVE_SERVERKEY, bytes: Array(serverPublicKey.utf8) + [0], "ZMQ_CURVE_SERVERKEY")
      try set(ZMQ_CURVE_PUBLICKEY, bytes: Array(keys.publicKey.utf8) + [0], "ZMQ_CURVE_PUBLICKEY")
      try set(ZMQ_CURVE_SECRETKEY, bytes: Array(keys.secretKey.utf8) + [0], "ZMQ_CURVE_SECRETKEY")
    }
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
