internal import Parsing
internal import Presentation

/// Events in the Chrome trace format (JSON), which Perfetto reads too.
///
/// Times are nanoseconds on one clock; the file has microseconds with three digits, from the earliest event on.
struct TraceEvents {
  /// A process and a thread of the viewer.
  struct Track: Hashable {
    var process: Int
    var thread: Int
  }

  private(set) var lines: [String] = []
  private let origin: Int64
  private var nextFlow = 1

  init(origin: Int64) { self.origin = origin }

  mutating func name(_ track: Track, process: String, thread: String) {
    let place = "\"pid\":\(track.process),\"tid\":\(track.thread)"
    lines.append("{\"ph\":\"M\",\"name\":\"process_name\",\(place),\"args\":{\"name\":\(text(process))}}")
    lines.append(
      "{\"ph\":\"M\",\"name\":\"process_sort_index\",\(place),\"args\":{\"sort_index\":\(track.process)}}")
    lines.append("{\"ph\":\"M\",\"name\":\"thread_name\",\(place),\"args\":{\"name\":\(text(thread))}}")
  }

  /// What happened from `start` to `end`; spans of a track must lie inside or beside each other.
  mutating func span(
    _ track: Track, _ name: String, _ category: String, _ start: Int64, _ end: Int64,
    _ arguments: [(key: String, value: JSONValue)] = []
  ) {
    var line =
      "{\"ph\":\"X\",\"name\":\(text(name)),\"cat\":\"\(category)\",\"pid\":\(track.process),"
      + "\"tid\":\(track.thread),\"ts\":\(time(start)),\"dur\":\(micros(max(0, end - start)))"
    if !arguments.isEmpty {
      line += ",\"args\":\(JSONWriter.string(.object(JSONObject(arguments))))"
    }
    lines.append(line + "}")
  }

  /// An arrow from a span that covers `start` on one track to one that covers `end` on another.
  mutating func flow(_ name: String, from: Track, at start: Int64, to: Track, at end: Int64) {
    let head = "\"name\":\(text(name)),\"cat\":\"flow\",\"id\":\(nextFlow)"
    lines.append(
      "{\"ph\":\"s\",\(head),\"pid\":\(from.process),\"tid\":\(from.thread),\"ts\":\(time(start))}")
    lines.append(
      "{\"ph\":\"f\",\"bp\":\"e\",\(head),\"pid\":\(to.process),\"tid\":\(to.thread),\"ts\":\(time(end))}")
    nextFlow += 1
  }

  private func time(_ nanoseconds: Int64) -> String { micros(nanoseconds - origin) }

  private func micros(_ nanoseconds: Int64) -> String {
    let sign = nanoseconds < 0 ? "-" : ""
    let rest = "\(nanoseconds.magnitude % 1000)"
    return sign + "\(nanoseconds.magnitude / 1000)."
      + String(repeating: "0", count: 3 - rest.count) + rest
  }

  private func text(_ value: String) -> String { JSONWriter.string(.string(value)) }
}
