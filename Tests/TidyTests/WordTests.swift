import Foundation
import TestSupport
import Testing

/// Words that must not be in the source, and the fence around unsafe code.
@Suite struct WordTests {
  @Test func nothingIsLeftForLater() throws {
    // In pieces, so that this file does not find itself.
    let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X ", "not imple" + "mented", "unimple" + "mented"]
    let places = ["/wo" + "rk/", "/op" + "t/swift", "/tmp/te" + "am"]
    var found: [String] = []
    for file in SourceFile.all {
      let text = Array(file.lines.joined(separator: "\n").utf8)
      found += (words + places).filter { text.contains(Array($0.utf8)) }.map { "\(file.path): \($0)" }
    }
    #expect(found == [])
  }

  @Test func unsafeCodeStaysInItsRooms() throws {
    let budgets = try Budgets.read("unsafe.txt")
    var counts: [String: Int] = [:]
    for file in SourceFile.all where !file.isTest {
      let words = file.codeLines(with: "unsafe").reduce(0) { $0 + $1.matches(of: /\bunsafe\b/).count }
      counts[file.target, default: 0] += words
    }
    let broken = counts.filter { $0.value > budgets[$0.key, default: 0] }.map {
      "\($0.key) has the word \($0.value) times; its budget is \(budgets[$0.key, default: 0])"
    }
    #expect(
      broken.sorted() == [], "spans and values do; the budgets are in Tests/TidyTests/Budgets/unsafe.txt")
  }

  /// A clock that somebody sets must not end a wait, lose a rank or hold a frame.
  @Test func noWaitReadsTheWallClock() {
    let rooms: Set<String> = [
      "Transport", "Collectives", "Scheduling", "Coordination", "WorkerRuntime", "Engine", "Launching",
      "FaultDrills", "Compute", "Wire",
    ]
    let words = [
      "Date()", "Date.now", "CLOCK_REALTIME", "gettimeofday", "DispatchWallTime", "time(nil)", "UTCClock",
    ]
    var found: [String] = []
    for file in SourceFile.all where !file.isTest && rooms.contains(file.target) {
      found += words.filter { !file.codeLines(with: $0).isEmpty }.map { "\(file.path): \($0)" }
    }
    #expect(found == [], "deadlines read the monotonic clock: Deadline, Timestamp, ContinuousClock")
  }

  @Test func strangersToThePackageAreNotImported() {
    // Foundation costs start-up time and hides allocations; the engine does without.
    let engine: Set<String> = [
      "Parsing", "Tensors", "Topology", "KVCaching", "Wire", "Kernels", "Compute", "Transport", "Collectives",
      "Layers", "Sampling", "Scheduling", "WorkerRuntime",
    ]
    let found = SourceFile.all.filter { file in
      !file.isTest && engine.contains(file.target)
        && file.codeLines(with: "import ").contains {
          $0.contains(/\bimport (Foundation|FoundationEssentials|Dispatch)\b/)
        }
    }
    #expect(found.map(\.path) == [])
  }
}

/// Numbers that may only fall, one `name number` a line.
enum Budgets {
  static func read(_ name: String) throws -> [String: Int] {
    let file = Fixtures.directory().appendingPathComponent("Budgets").appendingPathComponent(name)
    var budgets: [String: Int] = [:]
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    where !line.hasPrefix("#") {
      let fields = line.split(separator: " ")
      if fields.count == 2, let count = Int(fields[1]) { budgets[String(fields[0])] = count }
    }
    return budgets
  }
}
