internal import Glibc

/// Which of this host's addresses others should use.
package enum RouteAddress {
  /// The IPv4 address of this host from which packets to `endpoint` would leave; nothing is sent.
  ///
  /// - Throws: `unreachablePeer` for a name that cannot be resolved, or a network without a route.
  package static func local(toward endpoint: Endpoint) throws(TransportError) -> String {
    guard case .tcp(let host, let port, _) = endpoint else { return "127.0.0.1" }
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_INET
    unsafe hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host, "\(port == 0 ? 9 : port)", &hints, &found)
    guard code == 0, let first = unsafe found else {
      let reason = unsafe String(cString: gai_strerror(code))
      throw TransportError(
        .unreachablePeer, "the host name \(host) cannot be resolved (\(reason)); use its address",
        endpoint: endpoint.address)
    }
    defer { unsafe freeaddrinfo(found) }
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isKnown = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        guard unsafe connect(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 else {
          return false
        }
        return unsafe getsockname(descriptor, pointer, &length) == 0
      }
    }
    guard isKnown else {
      throw TransportError(
        .unreachablePeer, "there is no route to \(host) (errno \(errno)); check the network",
        endpoint: endpoint.address, errno: errno)
    }
    let bits = UInt32(bigEndian: address.sin_addr.s_addr)
    return [24, 16, 8, 0].map { "\(bits >> $0 & 0xFF)" }.joined(separator: ".")
  }
}
