/// A node that ranks can run on, and how to reach it.
package struct LaunchHost: Sendable, Hashable {
  /// Name or address, as `ssh` or the job scheduler takes it.
  package var name: String
  /// Ranks that it takes.
  package var slots = 1
  package var user: String?
  package var port: Int?
  /// File of the private key.
  package var identity: String?
  /// Address at which the other ranks reach it; left out, the one it reaches the coordinator from.
  package var address: String?
  /// Absolute path of the executable there; left out, the coordinator's own.
  package var executable: String?
  /// Directory of the model there; left out, the coordinator's.
  package var model: String?
  /// Variables for the ranks there.
  package var environment: [String: String] = [:]

  package init(_ name: String) { self.name = name }
}

/// A list of hosts, one a line: `NAME [slots=N] [user=U] [port=P] [identity=FILE] [address=IP] [executable=PATH]
/// [model=DIR] [env.NAME=VALUE]`, with `#` before remarks; the form that MPI launchers read, and more.
package enum HostFile {
  /// Longest file and most hosts that are read.
  package static let maxBytes = 1 << 20
  package static let maxHosts = 4096

  /// The hosts of `text`, in order.
  ///
  /// - Throws: `LaunchError` with one sentence for each of the first five lines that cannot be read.
  package static func parse(_ text: String, file: String) throws(LaunchError) -> [LaunchHost] {
    var hosts: [LaunchHost] = []
    var problems: [String] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let name = words.first else { continue }
      do throws(LaunchError) {
        hosts.append(try host(name, fields: words.dropFirst()))
      } catch {
        problems.append("\(file), line \(number + 1): \(error).")
      }
    }
    var seen: Set<String> = []
    for host in hosts where !seen.insert(host.name).inserted {
      problems.append("\(file) names \(host.name) twice; give it once, with all its slots.")
    }
    if hosts.isEmpty && problems.isEmpty {
      problems.append("\(file) names no host; write one a line, such as 'node1 slots=2'.")
    }
    if hosts.count > maxHosts { problems.append("\(file) names \(hosts.count) hosts; at most \(maxHosts).") }
    guard problems.isEmpty else { throw LaunchError(problems.prefix(5).joined(separator: " ")) }
    return hosts
  }

  private static func host(_ name: String, fields: ArraySlice<String>) throws(LaunchError) -> LaunchHost {
    // A name that begins with a dash would be an option to ssh.
    guard isWord(name), !name.contains("=") else {
      throw LaunchError("'\(name)' is no host name; begin the line with a name or an address")
    }
    var host = LaunchHost(name)
    for field in fields {
      guard let mark = field.firstIndex(of: "="), field.index(after: mark) < field.endIndex else {
        throw LaunchError("'\(field)' has no value; write it as \(field.prefix { $0 != "=" })=VALUE")
      }
      try set(&host, String(field[..<mark]), String(field[field.index(after: mark)...]))
    }
    return host
  }

  private static let keys = [
    "slots", "user", "port", "identity", "address", "executable", "model", "env.NAME",
  ]

  private static func set(_ host: inout LaunchHost, _ key: String, _ value: String) throws(LaunchError) {
    switch key {
    case "slots": host.slots = try number(key, value, 1...4096)
    case "port": host.port = try number(key, value, 1...65535)
    case "user", "address":
      guard isWord(value) else { throw LaunchError("\(key) cannot be '\(value)'") }
      if key == "user" { host.user = value } else { host.address = value }
    case "identity": host.identity = value
    case "executable", "model":
      guard value.hasPrefix("/") else {
        throw LaunchError("\(key) cannot be '\(value)'; give the absolute path on that host")
      }
      if key == "model" { host.model = value } else { host.executable = value }
    case _ where key.hasPrefix("env."):
      let name = key.dropFirst(4)
      guard name.first.map({ $0.isLetter || $0 == "_" }) == true,
        name.utf8.allSatisfy({ isNameByte($0) })
      else { throw LaunchError("'\(name)' is no name of a variable") }
      host.environment[String(name)] = value
    default:
      throw LaunchError("'\(key)' is not known; use \(keys.joined(separator: ", "))")
    }
  }

  private static func number(_ key: String, _ value: String, _ range: ClosedRange<Int>) throws(LaunchError)
    -> Int
  {
    guard let number = Int(value), range.contains(number) else {
      throw LaunchError("\(key) cannot be '\(value)'; give \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func isWord(_ text: String) -> Bool {
    !text.hasPrefix("-") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !text.contains("@")
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
