internal import CProcesses

/// The children of one watcher and what they wrote last; owned by its thread.
struct RunningChildren: ~Copyable {
  /// Reads of one wake-up, so that a rank that never stops writing cannot keep the others waiting.
  private static let maxReads = 64
  /// Bytes after which a line without an end is taken as one.
  private static let maxLineBytes = 64 << 10

  private final class Entry {
    let process: ChildProcess
    var tail = LineTail()
    var partial: [UInt8] = []

    init(_ process: consuming ChildProcess) { self.process = process }
  }

  private var entries: [Incarnation: Entry] = [:]

  mutating func insert(_ process: consuming ChildProcess, _ incarnation: Incarnation) {
    entries[incarnation] = Entry(process)
  }

  /// Takes what the child has written to standard error so far; returns the descriptor once it is at its end.
  func readError(_ incarnation: Incarnation, _ lineWritten: (String) -> Void) -> Int32? {
    guard let entry = entries[incarnation] else { return nil }
    for _ in 0..<Self.maxReads {
      switch entry.process.readError() {
      case .nothing: return nil
      case .end: return entry.process.errorDescriptor
      case .bytes(let bytes): take(bytes, entry, lineWritten)
      }
    }
    return nil
  }

  /// Waits for the ended child: its exit code, or 256 + its signal; and its last lines.
  func reap(_ incarnation: Incarnation) -> (code: Int32, lastLines: [String])? {
    guard let entry = entries[incarnation] else { return nil }
    if !entry.partial.isEmpty { entry.tail.append(String(decoding: entry.partial, as: UTF8.self)) }
    return (cprPidfdReap(entry.process.pidfd), entry.tail.lines)
  }

  /// Closes its descriptors; nobody may use its pidfd any more.
  mutating func remove(_ incarnation: Incarnation) { entries[incarnation] = nil }

  private func take(_ bytes: [UInt8], _ entry: Entry, _ lineWritten: (String) -> Void) {
    for byte in bytes {
      if byte != UInt8(ascii: "\n") { entry.partial.append(byte) }
      guard byte == UInt8(ascii: "\n") || entry.partial.count >= Self.maxLineBytes else { continue }
      let line = String(decoding: entry.partial, as: UTF8.self)
      entry.partial.removeAll(keepingCapacity: true)
      entry.tail.append(line)
      lineWritten(line)
    }
  }
}
