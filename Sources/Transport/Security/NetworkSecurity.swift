/// How the sockets of a context treat TCP. Sockets in the file system need nothing: their directory is private.
package enum NetworkSecurity: Sendable, Hashable {
  /// No TCP at all.
  case localOnly
  /// Every TCP socket speaks CURVE (https://rfc.zeromq.org/spec/26) with these keys, and lets in only the keys that
  /// the context was told of.
  case encrypted(CurveKeys)
  /// Plain TCP, readable and open to anyone: by explicit wish only.
  case insecure

  /// The keys of an encrypted context.
  package var keys: CurveKeys? {
    if case .encrypted(let keys) = self { keys } else { nil }
  }
}

extension ZMQSocket {
  /// Makes this the listening side of an endpoint; returns the key that peers must know, if there is one.
  func secure(listeningAt endpoint: Endpoint) throws(TransportError) -> String? {
    guard endpoint.isNetwork else { return nil }
    switch security {
    case .localOnly: throw Self.refusal(endpoint)
    case .insecure: return nil
    case .encrypted(let keys):
      try setCurveServer(keys)
      return keys.publicKey
    }
  }

  /// Makes this the connecting side of an endpoint.
  func secure(connectingTo endpoint: Endpoint) throws(TransportError) {
    guard endpoint.isNetwork else { return }
    switch (security, endpoint.key) {
    case (.localOnly, _): throw Self.refusal(endpoint)
    case (.insecure, nil): return
    case (.insecure, .some):
      throw TransportError(
        .insecureEndpoint,
        "\(endpoint.address) wants encrypted connections, and this side was started insecure",
        endpoint: endpoint.address)
    case (.encrypted, nil):
      throw TransportError(
        .insecureEndpoint,
        "\(endpoint.address) has no key, so it cannot be told from an impostor; give its address as printed, with "
          + "the key after a bar", endpoint: endpoint.address)
    case (.encrypted(let keys), .some(let key)): try setCurveClient(keys, serverKey: key)
    }
  }

  private static func refusal(_ endpoint: Endpoint) -> TransportError {
    TransportError(
      .insecureEndpoint, "\(endpoint.address) leaves this host, and there are no keys to protect it with",
      endpoint: endpoint.address)
  }
}
