import Foundation
import Parsing
import TestSupport
import Testing

/// `--trace`: a file that viewers can read, in which spans nest and arrows go forwards in time.
@Suite struct RunTraceTests {
  private struct Span {
    var name: String
    var start: Double
    var end: Double
  }

  private struct Track: Hashable {
    var process: Int
    var thread: Int
  }

  private struct Trace {
    var spans: [Track: [Span]] = [:]
    /// Starts and ends of arrows by number.
    var starts: [Int: (name: String, track: Track, time: Double)] = [:]
    var ends: [Int: (track: Track, time: Double)] = [:]
    var processes: Set<String> = []

    init(_ text: String) throws {
      let limits = JSONLimits(maxDepth: 16, maxBytes: 1 << 28)
      for event in try JSONReader.parse([UInt8](text.utf8), limits: limits)["traceEvents"]?.array ?? [] {
        let phase = try #require(event["ph"]?.string)
        let track = Track(process: event["pid"]?.int ?? -1, thread: event["tid"]?.int ?? -1)
        let name = try #require(event["name"]?.string)
        if phase == "M" {
          if name == "process_name", let process = event["args"]?["name"]?.string {
            processes.insert(process)
          }
          continue
        }
        let time = try #require(event["ts"]?.double)
        let number = event["id"]?.int ?? -1
        switch phase {
        case "X":
          let duration = try #require(event["dur"]?.double)
          #expect(duration >= 0)
          spans[track, default: []].append(Span(name: name, start: time, end: time + duration))
        case "s": starts[number] = (name, track, time)
        case "f": ends[number] = (track, time)
        default: Issue.record("phase \(phase)")
        }
      }
    }
  }

  private func trace(_ arguments: [String]) async throws -> Trace {
    try await withTemporaryDirectory { directory in
      let file = directory.appendingPathComponent("trace.json")
      let outcome = try await ProcessHarness.run(arguments + ["--trace", file.path])
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
      return try Trace(String(contentsOf: file, encoding: .utf8))
    }
  }

  private static let generate = [
    "generate", "--prompt", "In the beginning", "--max-tokens", "6", "--temperature", "0",
  ]

  /// Nanoseconds have three digits in the file; sums of two such numbers are off by rounding.
  private static let rounding = 0.002

  @Test(arguments: [[], ["--tp", "2", "--ep", "2"], ["--attn-dp", "2", "--tp", "2"], ["--dp", "2"]])
  func spansNestOnEveryTrack(mesh: [String]) async throws {
    let trace = try await trace(Self.generate + mesh)
    let ranks = mesh.isEmpty ? 1 : mesh.count == 4 ? 4 : 2
    #expect(trace.processes == Set(["coordinator"] + (0..<ranks).map { "rank \($0)" }))
    // Of two copies of the model the one prompt keeps only the first busy.
    #expect(trace.spans.keys.count { $0.process > 0 } == (mesh == ["--dp", "2"] ? 1 : ranks))
    for (track, spans) in trace.spans {
      // By start, the longer one first: each lies inside the innermost open one or after it.
      let ordered = spans.sorted { ($0.start, -$0.end) < ($1.start, -$1.end) }
      var open: [Span] = []
      for span in ordered {
        while let last = open.last, last.end <= span.start + Self.rounding { open.removeLast() }
        if let last = open.last {
          #expect(span.end <= last.end + Self.rounding, "\(track): \(span) in \(last)")
        }
        if span.end > span.start { open.append(span) }
      }
      let steps = spans.filter { $0.name.hasPrefix("step ") }
      if track.process > 0 {
        #expect(steps.count >= 6)
        #expect(steps.map(\.start) == steps.map(\.start).sorted())
      }
    }
  }

  @Test func arrowsGoForwardsBetweenRanks() async throws {
    let trace = try await trace(Self.generate + ["--tp", "2", "--ep", "2"])
    #expect(trace.starts.count == trace.ends.count && Set(trace.starts.keys) == Set(trace.ends.keys))
    let frames = trace.starts.filter { $0.value.name == "frame" }
    let plans = trace.starts.filter { $0.value.name == "plan" }
    #expect(frames.count > 20 && plans.count >= 24)
    for (number, start) in trace.starts {
      let end = try #require(trace.ends[number])
      // All ranks are on one host and share one clock.
      #expect(end.time >= start.time, "\(start.name) \(number)")
      #expect(start.track != end.track)
      for (track, time) in [(start.track, start.time), (end.track, end.time)] {
        #expect(
          trace.spans[track]!.contains {
            $0.start <= time + Self.rounding && time <= $0.end + Self.rounding
          }, "an end of \(start.name) \(number) lies in no span")
      }
    }
  }

  @Test func keepsTheNewestSteps() async throws {
    let trace = try await trace(Self.generate + ["--tp", "2", "--trace-steps", "3"])
    for (track, spans) in trace.spans where track.process > 0 {
      #expect(spans.count { $0.name.hasPrefix("step ") } == 3)
    }
  }

  @Test func badInputsAreRefused() async throws {
    let steps = try await ProcessHarness.run(Self.generate + ["--trace", "x", "--trace-steps", "0"])
    #expect(steps.exitCode == 2 && steps.standardError.contains("--trace-steps cannot be '0'"))
    let file = try await ProcessHarness.run(Self.generate + ["--trace", "/nonexistent/x.json"])
    #expect(
      file.exitCode == 1 && file.standardError.contains("--trace /nonexistent/x.json cannot be written"))
  }
}
