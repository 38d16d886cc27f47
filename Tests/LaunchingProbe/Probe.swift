internal import Dispatch
internal import Foundation
internal import Launching

/// A coordinator and its ranks without an engine, so that tests can kill either and look at what is left.
///
/// `launching-probe coordinator BASE N`: starts N ranks, prints `ready`, ends on a signal or when a rank
/// ends. `launching-probe rank DIRECTORY NUMBER`: makes a file as a socket would, says so on standard error,
/// waits.
@main
enum Probe {
  static func main() throws {
    let arguments = CommandLine.arguments
    switch arguments.dropFirst().first {
    case "coordinator": try coordinate(base: arguments[2], worldSize: Int(arguments[3]) ?? 1)
    case "rank": try serve(directory: RunDirectory(existing: arguments[2]), number: arguments[3])
    default: exit(2)
    }
  }

  private static func coordinate(base: String, worldSize: Int) throws {
    try TerminationSignals.install()
    let directory = try RunDirectory.create(base: base)
    let executable = try ExecutableLocation.path()
    let launcher = try LocalLauncher { _, line in say(line) }
    let plan = LaunchPlan(worldSize: worldSize, executable: executable) { rank in
      ["rank", directory.path, "\(rank)"]
    }
    _ = launcher.start(plan)
    // Both descriptors are polled, as a coordinator polls them beside its sockets.
    let queue = DispatchQueue(label: "probe")
    let ended = DispatchSemaphore(value: 0)
    let sources = [TerminationSignals.descriptor, launcher.exitDescriptor].map { descriptor in
      let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
      source.setEventHandler { ended.signal() }
      source.activate()
      return source
    }
    ended.wait()
    for source in sources { source.cancel() }
    for exit in launcher.takeExits() { say(exit.description) }
    launcher.stop()
    directory.remove()
    exit(TerminationSignals.received.map { TerminationSignals.exitCode(for: $0) } ?? 1)
  }

  private static func say(_ line: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
  }

  private static func serve(directory: RunDirectory, number: String) throws -> Never {
    try LifeLine.attach(runDirectory: directory)
    try Data().write(to: URL(fileURLWithPath: directory.file("r\(number).sock")))
    FileHandle.standardError.write(Data("rank \(number) ready\n".utf8))
    while true { sleep(1000) }
  }
}
