/// Starts ranks through OpenSSH: the node needs `sshd` and the executable, nothing else.
///
/// Never asks: a host key or a password that would have to be typed is an error. Keepalives end a client whose network
/// is gone within about ten seconds.
package struct SSHLauncher: Launcher {
  /// The client's executable and the arguments that come before all others.
  private let command: [String]

  /// - Parameter command: words separated by spaces, for instance `ssh -F FILE`.
  package init(command: String = "ssh") {
    let words = command.split(separator: " ").map(String.init)
    self.command = words.isEmpty ? ["ssh"] : words
  }

  package func client(for launch: RankLaunch, on host: LaunchHost) -> RankLaunch {
    var remote = launch
    remote.environment.merge(host.environment) { _, new in new }
    if let executable = host.executable { remote.executable = executable }
    var words = Array(command.dropFirst())
    for option in ["BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=3", "ServerAliveCountMax=3"] {
      words += ["-o", option]
    }
    // No terminal; what the login files print to standard output goes nowhere.
    words.append("-T")
    if let port = host.port { words += ["-p", "\(port)"] }
    if let identity = host.identity { words += ["-i", identity] }
    words.append(host.user.map { "\($0)@\(host.name)" } ?? host.name)
    words.append(remote.shellLine)
    return RankLaunch(
      rank: launch.rank, host: host.name, executable: Self.path(of: command[0]), arguments: words,
      input: launch.input)
  }

  /// 255 is ssh's own code: it could not connect, or lost its connection.
  package func blamesHost(_ ending: RankExit.Ending) -> Bool { ending == .exited(code: 255) }

  /// Where the client is: a name is looked for by `env`, as a shell would.
  private static func path(of name: String) -> String { name.hasPrefix("/") ? name : "/usr/bin/\(name)" }
}
