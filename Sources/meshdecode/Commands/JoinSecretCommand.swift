internal import ArgumentParser
internal import Presentation
internal import Transport

struct JoinSecretCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join-secret",
    abstract: "Makes the secret that lets workers join a coordinator that did not start them.",
    discussion: """
      One line on standard output. Whoever has it can join the run and read its traffic: keep it in a file of mode \
      600 or in the secret store of your orchestrator.

      Example:
        (umask 077; meshdecode join-secret > join)
        meshdecode generate --launcher external --coordinator-address 10.0.0.1:7070 --join-secret-file join --tp 2 ...
        meshdecode worker --coordinator tcp://10.0.0.1:7070 --rank 0 --world-size 2 --secret-file join
      """)

  func run() throws { try Terminal.write(JoinSecret.generate().text) }
}
