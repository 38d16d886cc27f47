internal import CLinux
internal import Dispatch
internal import Foundation
internal import Glibc
internal import Journaling
internal import Parsing
internal import Synchronization
internal import Transport
package import Wire

/// Breaks coordinators: `generate` runs as a child with a journal. When so many tokens are written down, it is killed
/// and started again to go on, or its journal cannot grow for a while; until a last one ends.
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

  /// Runs the plan, whose faults are all of the coordinator.
  package func run(_ plan: FaultPlan) throws -> DrillOutcome {
    let lines = prompts.map { "{\"prompt_token_ids\": [\($0.map(\.description).joined(separator: ", "))]}" }
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: directory + "/prompts"))
    var outcome = DrillOutcome(streams: prompts.map { _ in [] })
    outcome.faults = plan.faults.map { DrillOutcome.FaultTimes(fault: $0) }
    let started = Self.milliseconds
    let order = plan.faults.indices.sorted { Self.tokens(plan.faults[$0]) < Self.tokens(plan.faults[$1]) }
    var child = try start(resumes: false)
    var before = 0
    for place in order {
      let fault = plan.faults[place]
      follow(child.process, until: Self.tokens(fault), since: before, &outcome, started)
      guard child.process.isRunning else { return end(child, outcome, started) }
      if fault.kind == .diskFull {
        fillDisk(of: child.process, place, &outcome, started)
        continue
      }
      kill(child.process.processIdentifier, SIGKILL)
      let moment = Self.milliseconds - started
      outcome.faults[place].injected = moment
      outcome.story.append((moment, nil, "coordinator killed after \(written()) tokens"))
      child.process.waitUntilExit()
      outcome.faults[place].detected = Self.milliseconds - started
      before = written()
      child = try start(resumes: true)
    }
    follow(child.process, until: .max, since: before, &outcome, started)
    return end(child, outcome, started)
  }

  /// Waits until so many tokens are written, or until there is nobody to write more.
  private func follow(
    _ child: Process, until count: Int, since before: Int, _ outcome: inout DrillOutcome, _ started: Double
  ) {
    while child.isRunning, written() < count {
      noteProgress(since: before, &outcome, started)
      usleep(1000)
    }
    noteProgress(since: before, &outcome, started)
  }

  /// The journal cannot grow until a while after that was noticed; then it is written again.
  private func fillDisk(of child: Process, _ place: Int, _ outcome: inout DrillOutcome, _ started: Double) {
    func said(_ words: String) -> Bool {
      let text = FileManager.default.contents(atPath: directory + "/err") ?? Data()
      return String(decoding: text, as: UTF8.self).contains(words)
    }
    func waitUntilSaid(_ words: String) -> Double? {
      let end = Self.milliseconds + 10_000
      while child.isRunning, !said(words), Self.milliseconds < end { usleep(1000) }
      return said(words) ? Self.milliseconds - started : nil
    }
    let size = (try? FileManager.default.attributesOfItem(atPath: journal)[.size] as? Int) ?? 0
    let problem = linuxLimitFileSize(child.processIdentifier, Int64(size))
    outcome.faults[place].injected = Self.milliseconds - started
    outcome.story.append(
      (Self.milliseconds - started, nil, "the journal cannot grow after \(written()) tokens"))
    if problem != 0 {
      outcome.problems.append("the size of the journal cannot be limited (error \(problem))")
    }
    if let moment = waitUntilSaid("cannot be written") {
      outcome.faults[place].detected = moment
      outcome.story.append((moment, nil, "the coordinator says so, and what runs goes on"))
    }
    usleep(UInt32(1000 * (outcome.faults[place].fault.milliseconds ?? 20)))
    _ = linuxLimitFileSize(child.processIdentifier, -1)
    if let moment = waitUntilSaid("is written again") {
      outcome.faults[place].recovered = moment
      outcome.story.append((moment, nil, "the journal is written again, and nothing is missing in it"))
    }
  }

  /// A coordinator, and what it prints: not into a file, which a full disk would cut short as well.
  private struct Child {
    let process: Process
    let output: ChildOutput
  }

  /// Reads a pipe to its end on another thread, so that nobody waits for a reader.
  private final class ChildOutput: Sendable {
    private let bytes = Mutex(Data())
    private let isComplete = DispatchSemaphore(value: 0)

    init(_ pipe: Pipe) {
      let handle = pipe.fileHandleForReading
      Thread.detachNewThread {
        let all = handle.readDataToEndOfFile()
        self.bytes.withLock { $0 = all }
        self.isComplete.signal()
      }
    }

    /// All of it, once.
    func take() -> Data {
      isComplete.wait()
      return bytes.withLock { $0 }
    }
  }

  /// The first token beyond those that were known means that the streams go on.
  private func noteProgress(since before: Int, _ outcome: inout DrillOutcome, _ started: Double) {
    guard
      let place = outcome.faults.indices.first(where: {
        outcome.faults[$0].fault.kind == .coordinatorKill && outcome.faults[$0].detected != nil
          && outcome.faults[$0].recovered == nil
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

  private func start(resumes: Bool) throws -> Child {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: executable)
    child.arguments =
      ["generate", "--journal", journal, "--output", "json"] + arguments
      + (resumes ? ["--resume"] : ["--prompts-file", directory + "/prompts"])
    _ = FileManager.default.createFile(atPath: directory + "/err", contents: nil)
    child.standardError = FileHandle(forWritingAtPath: directory + "/err")
    let pipe = Pipe()
    child.standardOutput = pipe
    try child.run()
    return Child(process: child, output: ChildOutput(pipe))
  }

  private func end(_ child: Child, _ outcome: DrillOutcome, _ started: Double) -> DrillOutcome {
    child.process.waitUntilExit()
    var outcome = outcome
    outcome.milliseconds = Self.milliseconds - started
    guard child.process.terminationReason == .exit, child.process.terminationStatus == 0 else {
      let words = FileManager.default.contents(atPath: directory + "/err") ?? Data()
      outcome.failure = String(decoding: words.suffix(500), as: UTF8.self)
      return outcome
    }
    let outputs = (try? JSONReader.parse([UInt8](child.output.take())))?["outputs"]?.array ?? []
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
