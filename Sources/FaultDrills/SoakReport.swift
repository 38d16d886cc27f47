internal import Foundation
package import Parsing
internal import Wire

/// What a process and its workers hold at one moment between rounds.
package struct SoakSample: Sendable, Equatable {
  package var seconds: Double
  /// Resident bytes of this process, and of the largest worker.
  package var coordinatorBytes: Int
  package var workerBytes: Int
  package var descriptors: Int
  package var threads: Int
  /// Entries in the directory that runs are made in.
  package var files: Int

  package init(
    seconds: Double, coordinatorBytes: Int, workerBytes: Int, descriptors: Int, threads: Int, files: Int
  ) {
    self.seconds = seconds
    self.coordinatorBytes = coordinatorBytes
    self.workerBytes = workerBytes
    self.descriptors = descriptors
    self.threads = threads
    self.files = files
  }

  /// Reads /proc.
  init(seconds: Double, workers: [Int32], directory: String) {
    self.init(
      seconds: seconds, coordinatorBytes: Self.field("VmRSS:", of: "self") << 10,
      workerBytes: (workers.map { Self.field("VmRSS:", of: "\($0)") }.max() ?? 0) << 10,
      descriptors: Self.entries("/proc/self/fd"), threads: Self.field("Threads:", of: "self"),
      files: Self.entries(directory))
  }

  private static func field(_ name: String, of process: String) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
        ?? 0
    }
    return 0
  }

  private static func entries(_ directory: String) -> Int {
    (try? FileManager.default.subpathsOfDirectory(atPath: directory).count) ?? 0
  }
}

/// What a soak has found so far.
package struct SoakReport: Sendable {
  package let seed: UInt64
  package var seconds = 0.0
  package private(set) var rounds = 0
  package private(set) var requests = 0
  package private(set) var tokens = 0
  package private(set) var faults = 0
  package private(set) var losses = 0
  package private(set) var recovery = TimeSpread()
  /// What must never happen, one sentence each.
  package var violations: [String] = []
  package var samples: [SoakSample] = []

  package init(seed: UInt64) { self.seed = seed }

  mutating func add(_ round: SoakRound, reference: [[TokenID]]) {
    rounds += 1
    requests += round.streams.count
    tokens += round.streams.reduce(0) { $0 + $1.count }
    faults += round.injected
    losses += round.losses
    for duration in round.recoveries { recovery.add(duration) }
    violations += round.violations
    for (index, stream) in round.streams.enumerated() where stream != reference[index] {
      violations.append("round \(rounds): the tokens of request \(index) differ from the first round's")
    }
  }

  /// What grew between the end of the first quarter, when all is warm, and the end. Memory may breathe by a tenth and
  /// 16 MiB; counts may not grow at all beyond what the moment of a sample explains.
  package var leaks: [String] {
    guard samples.count >= 8 else { return [] }
    let early = samples[(samples.count / 4)..<(samples.count / 2)]
    let late = samples[(samples.count * 3 / 4)...]
    func median(_ part: ArraySlice<SoakSample>, _ value: (SoakSample) -> Int) -> Int {
      part.map(value).sorted()[part.count / 2]
    }
    var found: [String] = []
    func check(_ name: String, slack: (Int) -> Int, _ value: (SoakSample) -> Int) {
      let (before, after) = (median(early, value), median(late, value))
      if after > before + slack(before) { found.append("\(name) grew from \(before) to \(after)") }
    }
    check("resident bytes of the coordinator", slack: { $0 / 10 + (16 << 20) }) { $0.coordinatorBytes }
    check("resident bytes of the largest worker", slack: { $0 / 10 + (16 << 20) }) { $0.workerBytes }
    check("open descriptors", slack: { _ in 4 }) { $0.descriptors }
    check("threads", slack: { _ in 2 }) { $0.threads }
    check("files in the run directory", slack: { _ in 8 }) { $0.files }
    return found
  }

  package var passed: Bool { violations.isEmpty && leaks.isEmpty }

  package func json(mesh: JSONValue) -> JSONValue {
    func texts(_ list: [String]) -> JSONValue { .array(list.prefix(100).map { .string($0) }) }
    func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }
    func sample(_ sample: SoakSample?) -> JSONValue {
      guard let sample else { return .null }
      return .object(
        JSONObject([
          (key: "at_s", value: .number(sample.seconds)),
          (key: "coordinator_bytes", value: count(sample.coordinatorBytes)),
          (key: "worker_bytes", value: count(sample.workerBytes)),
          (key: "descriptors", value: count(sample.descriptors)),
          (key: "threads", value: count(sample.threads)), (key: "files", value: count(sample.files)),
        ]))
    }
    return .object(
      JSONObject([
        (key: "verdict", value: .string(passed ? "pass" : "fail")),
        (key: "seed", value: .integer(Int64(clamping: seed))), (key: "seconds", value: .number(seconds)),
        (key: "rounds", value: count(rounds)), (key: "requests", value: count(requests)),
        (key: "tokens", value: count(tokens)), (key: "faults_injected", value: count(faults)),
        (key: "ranks_lost", value: count(losses)), (key: "recovery_ms", value: recovery.json),
        (key: "violations", value: texts(violations)), (key: "leaks", value: texts(leaks)),
        (key: "warm", value: sample(samples.count >= 8 ? samples[samples.count / 4] : samples.first)),
        (key: "end", value: sample(samples.last)), (key: "mesh", value: mesh),
      ]))
  }

  package func text(mesh: String) -> String {
    func mebibytes(_ bytes: Int) -> String { String(format: "%.1f MiB", Double(bytes) / Double(1 << 20)) }
    func line(_ name: String, _ sample: SoakSample) -> String {
      "  \(name): coordinator \(mebibytes(sample.coordinatorBytes)), largest worker "
        + "\(mebibytes(sample.workerBytes)), \(sample.descriptors) descriptors, \(sample.threads) threads, "
        + "\(sample.files) files\n"
    }
    var text = String(
      format: "%.0f s on %@: %ld rounds, %ld requests, %ld tokens, %ld faults, %ld ranks lost\n", seconds,
      mesh,
      rounds, requests, tokens, faults, losses)
    text += String(
      format: "  recovered %ld times, median %.1f ms, longest %.1f ms\n", recovery.count, recovery.median,
      recovery.longest)
    if samples.count >= 8 { text += line("warm", samples[samples.count / 4]) }
    if let last = samples.last { text += line("end", last) }
    for sentence in (violations + leaks).prefix(20) { text += "  \(sentence)\n" }
    return text
      + "verdict: \(passed ? "pass" : "fail"); \(violations.count) violations, \(leaks.count) leaks\n"
  }
}
