/// How processes of ranks come to life on their hosts.
///
/// A launcher starts nothing itself: it turns the process of a rank into the process that this host has to start
/// for it, a client that carries standard input and error and ends with the rank. So one watcher sees the ends of all
/// ranks, and a rank whose client is gone finds its standard input closed and leaves (`LifeLine`).
package protocol Launcher: Sendable {
  /// What this host starts so that `launch` runs on `host`.
  func client(for launch: RankLaunch, on host: LaunchHost) -> RankLaunch

  /// Whether such an end speaks against the host rather than against the process that ran there.
  func blamesHost(_ ending: RankExit.Ending) -> Bool
}

extension Launcher {
  package func blamesHost(_ ending: RankExit.Ending) -> Bool { false }
}

/// Ranks as children of this process.
package struct DirectLauncher: Launcher {
  package init() {}

  package func client(for launch: RankLaunch, on host: LaunchHost) -> RankLaunch { launch }
}

extension RankLaunch {
  /// The command as one line for a POSIX shell: variables, executable, arguments. The shell is replaced, so that
  /// signals and the end of its connection reach the rank.
  var shellLine: String {
    let variables = environment.sorted { $0.key < $1.key }.map { Self.quoted("\($0.key)=\($0.value)") }
    let words = ([executable] + arguments).map(Self.quoted)
    return (["exec"] + (variables.isEmpty ? [] : ["env"]) + variables + words).joined(separator: " ")
  }

  /// A word that the shell takes as it is.
  static func quoted(_ word: String) -> String {
    let isPlain =
      !word.isEmpty
      && word.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "_-./:=,+@%".utf8.contains(byte)
        }
      }
    return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}
