internal import Glibc

/// Where a socket listens: a path on this host, or a TCP address.
package enum Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// A Unix socket at an absolute path of at most 107 bytes, or `@name` in the abstract namespace.
  case ipc(path: String)
  /// `port` 0 lets the system choose when bound. `host` is an address or a name; when bound, an address or `*`.
  /// `key`: the CURVE public key that whoever listens there must prove to hold.
  case tcp(host: String, port: UInt16, key: String? = nil)
  /// Memory that a process of this host shares through a descriptor of its own; zeros ask for a new one.
  case sharedMemory(processID: Int32, descriptor: Int32)

  /// Longest path of a Unix socket on Linux, without its closing zero.
  package static let maxPathBytes = 107

  /// Reads `ipc:///path`, `ipc://@name`, `tcp://host:port`, `tcp://[v6]:port`; the port may be `*`, and a
  /// TCP address may be followed by `|` and the listener's public key. And
  /// `shm://process/descriptor`, or `shm://*` for memory to be made.
  package init(_ text: String) throws(TransportError) {
    if text.hasPrefix("shm://") {
      self = try Endpoint.sharedMemory(text)
      return
    }
    if text.hasPrefix("ipc://") {
      let path = String(text.dropFirst(6))
      guard path.utf8.count <= Endpoint.maxPathBytes else {
        throw TransportError(
          .invalidEndpoint,
          "\(text) is \(path.utf8.count) bytes long, a Unix socket takes at most \(Endpoint.maxPathBytes): "
            + "use a shorter run directory (XDG_RUNTIME_DIR)", endpoint: text)
      }
      guard path.hasPrefix("/") || path.hasPrefix("@"), path.utf8.count > 1, !path.utf8.contains(0) else {
        throw Endpoint.invalid(text)
      }
      self = .ipc(path: path)
      return
    }
    let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
    let key = parts.count > 1 ? String(parts[1]) : nil
    let text = String(parts.first ?? "")
    if let key, !CurveKeys.isKey(key) {
      throw TransportError(
        .invalidEndpoint, "\(text) is followed by something that is no public key", endpoint: text)
    }
    guard text.hasPrefix("tcp://"), text.utf8.count <= 300, let colon = text.lastIndex(of: ":") else {
      throw Endpoint.invalid(text)
    }
    guard let start = text.index(text.startIndex, offsetBy: 6, limitedBy: colon), start < colon else {
      throw Endpoint.invalid(text)
    }
    let host = text[start..<colon]
    let portText = text[text.index(after: colon)...]
    guard let port = portText == "*" ? 0 : UInt16(portText) else {
      throw TransportError(
        .invalidEndpoint, "\(text) has no valid port: use 1 to 65535, or * for any free one", endpoint: text)
    }
    guard host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ";") }) else {
      throw Endpoint.invalid(text)
    }
    self = .tcp(host: String(host), port: port, key: key)
  }

  private static func sharedMemory(_ text: String) throws(TransportError) -> Endpoint {
    let rest = text.dropFirst(6)
    if rest == "*" { return .sharedMemory(processID: 0, descriptor: 0) }
    let numbers = rest.split(separator: "/", omittingEmptySubsequences: false).map { Int32($0) }
    guard numbers.count == 2, let process = numbers[0], let number = numbers[1], process > 0, number >= 0
    else {
      throw invalid(text)
    }
    return .sharedMemory(processID: process, descriptor: number)
  }

  private static func invalid(_ text: String) -> TransportError {
    TransportError(
      .invalidEndpoint,
      "\"\(text.prefix(120))\" is not an endpoint: use tcp://HOST:PORT, ipc:///ABSOLUTE/PATH or shm://*",
      endpoint: text)
  }

  package var description: String {
    switch self {
    case .ipc(let path): "ipc://\(path)"
    case .tcp(let host, let port, let key): "tcp://\(host):\(port)" + (key.map { "|\($0)" } ?? "")
    case .sharedMemory(0, 0): "shm://*"
    case .sharedMemory(let process, let descriptor): "shm://\(process)/\(descriptor)"
    }
  }

  /// Without the key.
  package var address: String { with(key: nil).description }

  /// The listener's public key, where it is known.
  package var key: String? {
    if case .tcp(_, _, let key) = self { key } else { nil }
  }

  /// The same place with another key; paths have none.
  package func with(key: String?) -> Endpoint {
    if case .tcp(let host, let port, _) = self { .tcp(host: host, port: port, key: key) } else { self }
  }

  /// As `zmq_bind` wants it: a wildcard for port 0.
  var bindText: String {
    if case .tcp(let host, 0, _) = self { return "tcp://\(host):*" }
    return address
  }

  /// Traffic to it leaves the host's file system, so it has to be encrypted unless told otherwise.
  package var isNetwork: Bool {
    if case .tcp = self { return true }
    return false
  }

  /// Refuses a path that is too long or that another process listens on.
  func checkBindable() throws(TransportError) {
    guard case .ipc(let path) = self, path.hasPrefix("/") else { return }
    guard path.utf8.count <= Endpoint.maxPathBytes else { _ = try Endpoint(description); return }
    guard isListening(path) else { return }
    throw TransportError(
      .addressInUse, "\(description) is in use: another process is listening there; choose another path",
      endpoint: description, errno: EADDRINUSE)
  }

  /// Whether a connection to the Unix socket at `path` is accepted right now.
  private func isListening(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
      unsafe room.copyBytes(from: path.utf8.prefix(room.count - 1))
    }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, length) == 0
      }
    }
  }
}
