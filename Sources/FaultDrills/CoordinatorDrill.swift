internal import Foundation
internal import Glibc
internal import Journaling
internal import Parsing
internal import Transport
package import Wire

/// Kills coordinators: `generate` runs as a child with a journal, is killed when so many tokens are written down, and
/// is started again to go on, until a last one ends.
package struct CoordinatorDrill {
  private let executable: String
  /// Of `generate`: all but prompts, journal and output.
  private let arguments: [String]
  private let prompts: [[TokenID]]
  /// For the journal, the prompts and what the children say.
  private let directory: String

  package init(executable: String, arguments: [String], prompts: [[TokenID]], directory: String) {
    self.executable = executable
    self.arguments = arguments
    self.prompts = prompts
    self.directory = directory
  }

  private var journal: String { directory + "/journal" }

  /// Runs the plan, whose faults are all kills of the coordinator.
  package func run(_ plan: FaultPlan) throws -> DrillOutcome {
    let lines = prompts.map { "{\"prompt_token_ids\": [\($0.map(\.description).joined(separator: ", "))]}" }
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: directory + "/prompts"))
    var outcome = DrillOutcome(streams: prompts.map { _ in [] })
    outcome.faults = plan.faults.map { DrillOutcome.FaultTimes(fault: $0) }
    let started = Self.milliseconds
    let order = plan.faults.indices.sorted { Self.tokens(plan.faults[$0]) < Self.tokens(plan.faults[$1]) }
    for (round, place) in order.enumerated() {
      let child = try start(resumes: round > 0)
      let wanted = Self.tokens(plan.faults[place])
      let before = round > 0 ? written() : 0
      while child.isRunning, written() < wanted {
        noteProgress(since: before, &outcome, started)
        usleep(1000)
      }
      guard child.isRunning else { return end(child, outcome, started) }
      noteProgress(since: before, &outcome, started)
      kill(child.processIdentifier, SIGKILL)
      let moment = Self.milliseconds - started
      outcome.faults[place].injected = moment
      outcome.story.append((moment, nil, "coordinator killed after \(written()) tokens"))
      child.waitUntilExit()
      outcome.faults[place].detected = Self.milliseconds - started
    }
    let before = written()
    let last = try start(resumes: true)
    while last.isRunning {
      noteProgress(since: before, &outcome, started)
      usleep(1000)
    }
    noteProgress(since: before, &outcome, started)
    return end(last, outcome, started)
  }

  /// The first token beyond those that were known means that the streams go on.
  private func noteProgress(since before: Int, _ outcome: inout DrillOutcome, _ started: Double) {
    guard
      let place = outcome.faults.indices.first(where: {
        outcome.faults[$0].detected != nil && outcome.faults[$0].recovered == nil
      }), written() > before
    else { return }
    let moment = Self.milliseconds - started
    outcome.faults[place].recovered = moment
    outcome.story.append((moment, nil, "a new coordinator goes on with every stream"))
  }

  /// Tokens in the journal; every read checks that none is there twice or out of turn.
  private func written() -> Int {
    let bytes = FileManager.default.contents(atPath: journal).map { [UInt8]($0) } ?? []
    return (try? JournalContents(bytes: bytes, path: journal))?.numTokens ?? 0
  }

  private func start(resumes: Bool) throws -> Process {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: executable)
    child.arguments =
      ["generate", "--journal", journal, "--output", "json"] + arguments
      + (resumes ? ["--resume"] : ["--prompts-file", directory + "/prompts"])
    for (name, assign) in [
      ("out", { child.standardOutput = $0 }), ("err", { child.standardError = $0 }),
    ] as [(String, (FileHandle) -> Void)] {
      _ = FileManager.default.createFile(atPath: "\(directory)/\(name)", contents: nil)
      guard let handle = FileHandle(forWritingAtPath: "\(directory)/\(name)") else { continue }
      assign(handle)
    }
    try child.run()
    return child
  }

  private func end(_ child: Process, _ outcome: DrillOutcome, _ started: Double) -> DrillOutcome {
    child.waitUntilExit()
    var outcome = outcome
    outcome.milliseconds = Self.milliseconds - started
    guard child.terminationReason == .exit, child.terminationStatus == 0 else {
      let words = FileManager.default.contents(atPath: directory + "/err") ?? Data()
      outcome.failure = String(decoding: words.suffix(500), as: UTF8.self)
      return outcome
    }
    let bytes = [UInt8](FileManager.default.contents(atPath: directory + "/out") ?? Data())
    let outputs = (try? JSONReader.parse(bytes))?["outputs"]?.array ?? []
    for output in outputs {
      guard let index = output["index"]?.int, outcome.streams.indices.contains(Int(index)) else { continue }
      outcome.streams[Int(index)] = (output["token_ids"]?.array ?? []).compactMap {
        $0.int.flatMap { Int32(exactly: $0) }.map { TokenID(rawValue: $0) }
      }
      if let reason = output["finish_reason"]?.string, reason != "abort" { outcome.finished += 1 }
    }
    return outcome
  }

  private static func tokens(_ fault: Fault) -> Int {
    if case .tokens(let count) = fault.trigger { count } else { 1 }
  }

  private static var milliseconds: Double { Double(Deadline.now) / 1e6 }
}
