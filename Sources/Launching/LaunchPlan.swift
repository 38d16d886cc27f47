/// Which process each rank is: a value that any launcher can carry out and any test can read.
package struct LaunchPlan: Sendable, Equatable {
  /// One entry for each rank, in rank order.
  package let ranks: [RankLaunch]

  package init(ranks: [RankLaunch]) { self.ranks = ranks }

  /// A plan for one host: the same executable for all ranks, the arguments of each from `arguments`.
  package init(
    worldSize: Int, executable: String, environment: [String: String] = [:],
    arguments: (_ rank: Int) -> [String]
  ) {
    ranks = (0..<worldSize).map { rank in
      RankLaunch(
        rank: rank, executable: executable, arguments: arguments(rank), environment: environment)
    }
  }
}

/// The process of one rank.
package struct RankLaunch: Sendable, Equatable {
  package let rank: Int
  /// The host it runs on; `localhost` for this one.
  package var host: String
  /// Absolute path of the executable.
  package var executable: String
  package var arguments: [String]
  /// Variables laid over the environment of the launcher.
  package var environment: [String: String]
  /// What its standard input begins with: for secrets, which arguments and variables would show to others. At most
  /// `maxInputBytes`, so that writing it never waits.
  package var input: String

  package static let maxInputBytes = 4096

  package init(
    rank: Int, host: String = "localhost", executable: String, arguments: [String],
    environment: [String: String] = [:], input: String = ""
  ) {
    precondition(input.utf8.count <= Self.maxInputBytes, "\(input.utf8.count) bytes of input")
    self.rank = rank
    self.host = host
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.input = input
  }
}

extension RankLaunch: CustomStringConvertible {
  /// Without the input, which is nobody's business.
  package var description: String {
    "rank \(rank) on \(host): \(([executable] + arguments).joined(separator: " "))"
  }
}
