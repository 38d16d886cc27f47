internal import ArgumentParser
internal import Engine
internal import Foundation
internal import Presentation
internal import Settings
internal import Workloads

/// A trace of the run for a viewer.
struct TraceOptions: ParsableArguments {
  @Option(
    name: .customLong("trace"), parsing: .unconditional,
    help: ArgumentHelp(
      "Writes what the coordinator and every rank did when, as Chrome trace JSON for ui.perfetto.dev or "
        + "chrome://tracing.", valueName: "file"))
  var file: String?

  @Option(
    name: .customLong("trace-steps"), parsing: .unconditional,
    help: ArgumentHelp(
      "The newest steps that the trace keeps; ranks keep at most 16 MiB each. (1 to 100000; default: 256)",
      valueName: "steps"))
  var steps = "256"

  /// Before anything is started.
  func check() throws {
    _ = try integer("--trace-steps", steps, 1...100_000)
  }

  /// Ranks keep times from now on, if a trace is wanted; after `check`.
  func begin(_ engine: MeshEngine) {
    if file != nil, let steps = Int(steps) { engine.recordTimes(steps: steps) }
  }

  /// Collects the times and writes the file, if a trace is wanted.
  func end(_ engine: MeshEngine) throws {
    guard let file else { return }
    let timeline = try engine.takeTimeline()
    let labels = Dictionary(
      timeline.ranks.map { ($0.rank, engine.programLabels(of: $0.rank)) }, uniquingKeysWith: { $1 })
    do {
      try MeshTrace(timeline, labels: labels).json.write(toFile: file, atomically: true, encoding: .utf8)
    } catch {
      throw CommandFailure(
        .failedWhileRunning, "--trace \(file) cannot be written; give a file in a writable directory")
    }
    let dropped = timeline.ranks.map(\.droppedSteps).max() ?? 0
    if dropped > 0 { Terminal.note("note: --trace: the oldest \(dropped) steps found no room") }
  }
}
