import Foundation
import Settings
import TestSupport
import Testing

/// The command line is a promise: a flag that comes or goes is seen in the snapshot.
@Suite struct FlagTests {
  @Test func flagsAreFrozen() async throws {
    let found = try await Self.commands().map { "\($0.name): \($0.flags.joined(separator: " "))" }
    let text = found.joined(separator: "\n") + "\n"
    let file = Fixtures.directory().appendingPathComponent("Snapshots/flags.txt")
    if ProcessInfo.processInfo.environment["MESHDECODE_RECORD"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let frozen = try String(contentsOf: file, encoding: .utf8)
    #expect(text == frozen, "if meant, run this test with MESHDECODE_RECORD=1 to write the file anew")
  }

  @Test func everySettingOfAGroupIsCarried() async throws {
    // A command that has one flag of a group has them all.
    for command in try await Self.commands() {
      let flags = Set(command.flags)
      for group in SettingGroup.allCases {
        let all = SettingsCatalogue.all.filter { $0.group == group }.map(\.flag)
        let carried = all.filter { flags.contains($0) }
        #expect(carried.isEmpty || carried == all, "\(command.name) has only a part of the flags of \(group)")
      }
    }
  }

  private static func commands() async throws -> [(name: String, flags: [String])] {
    let outcome = try await ProcessHarness.run(["--experimental-dump-help"])
    let help = try JSONDecoder().decode(Help.self, from: Data(outcome.standardOutput.utf8))
    return help.command.flattened.map { command in
      let names = (command.arguments ?? []).flatMap { $0.names ?? [] }.map(\.spelling)
      return (command.commandName, names.filter { !["--help", "-h", "--version"].contains($0) }.sorted())
    }
  }

  private struct Help: Decodable { let command: Command }

  private struct Command: Decodable {
    let commandName: String
    let subcommands: [Command]?
    let arguments: [Argument]?

    var flattened: [Command] {
      [self] + (subcommands ?? []).filter { $0.commandName != "help" }.flatMap(\.flattened)
    }
  }

  private struct Argument: Decodable {
    let names: [Name]?

    struct Name: Decodable {
      let kind: String
      let name: String

      var spelling: String { kind == "long" ? "--\(name)" : "-\(name)" }
    }
  }
}
