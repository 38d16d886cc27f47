internal import ArgumentParser
internal import Settings

/// The one executable: every subcommand is a file of this folder and calls library functions.
@main
struct MeshDecode: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "meshdecode",
    abstract: "Runs decoder language models on a mesh of worker processes.",
    discussion: """
      Every setting may stand in a YAML file given with --config (keys as in configs/base.yaml); flags on \
      the command line win.

      Exit codes: 0 success, 1 failure while running, 2 wrong usage or configuration, 3 a check that failed.
      """,
    version: "meshdecode \(BuildInfo.version)",
    subcommands: [
      GenerateCommand.self, LogitsCommand.self, PerplexityCommand.self, WorkerCommand.self,
      PlanCommand.self, TranslateCommand.self, TokenizeCommand.self, DetokenizeCommand.self,
      RenderChatCommand.self, JoinSecretCommand.self, BenchCommand.self, TraceCommand.self,
      DrillCommand.self, SoakCommand.self, DoctorCommand.self, ManifestCommand.self,
      BenchRankCommand.self, DoctorNodeCommand.self,
    ])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      finish(with: error)
    }
  }
}
