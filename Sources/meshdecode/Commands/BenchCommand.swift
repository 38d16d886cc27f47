internal import ArgumentParser

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures this machine.",
    subcommands: [
      BenchDecodeCommand.self, BenchScaleCommand.self, BenchKernelsCommand.self, BenchCollectivesCommand.self,
      BenchCompareCommand.self,
    ])
}
