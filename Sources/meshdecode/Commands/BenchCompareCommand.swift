internal import ArgumentParser
internal import Foundation
internal import Parsing
internal import Presentation
internal import Settings

struct BenchCompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compares two JSON files that bench commands wrote: the ratio of every measurement they share.",
    discussion: """
      Rows are matched by everything that describes them (test, model, format, mesh, threads, batch, ...). A ratio
      above 1 says that the second file is faster.
      Examples:
        meshdecode bench decode -n 64 --output json > before.json
        meshdecode bench compare before.json after.json
      """)

  @Argument(help: ArgumentHelp("What to compare with.", valueName: "before")) var before: String
  @Argument(help: ArgumentHelp("What is compared.", valueName: "after")) var after: String

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    let settings = try resolve(config, [output])
    let comparison = BenchComparison(before: try rows(before), after: try rows(after))
    guard !comparison.pairs.isEmpty else {
      throw CommandFailure(
        .failedWhileRunning,
        "\(before) and \(after) have no measurement in common; compare two files of the same bench command")
    }
    switch settings.output.format {
    case .json:
      let rows = comparison.pairs.map { pair -> JSONValue in
        [
          "measurement": .string(pair.name), "unit": .string(pair.unit), "before": .number(pair.before),
          "after": .number(pair.after), "ratio": .number(pair.ratio),
        ]
      }
      let document: JSONValue = [
        "rows": .array(rows), "only_before": .array(comparison.onlyBefore.map { .string($0) }),
        "only_after": .array(comparison.onlyAfter.map { .string($0) }),
      ]
      try Terminal.writeDocument(document)
    case .text:
      var table = Presentation.Table([
        ("measurement", .left), ("unit", .left), ("before", .right), ("after", .right), ("ratio", .right),
      ])
      for pair in comparison.pairs {
        table.add([
          pair.name, pair.unit, Numbers.threeDigits(pair.before), Numbers.threeDigits(pair.after),
          Numbers.decimal(pair.ratio, digits: 3),
        ])
      }
      let missing =
        comparison.onlyBefore.map { "only before: \($0)\n" }
        + comparison.onlyAfter.map { "only after: \($0)\n" }
      try Terminal.write(table.text + "\n" + missing.joined())
    }
  }

  private func rows(_ path: String) throws -> [JSONValue] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw CommandFailure(.failedWhileRunning, "\(path) cannot be read; give a JSON file of a bench command")
    }
    do {
      let document = try JSONReader.parse([UInt8](data), limits: JSONLimits(maxDepth: 16, maxBytes: 1 << 24))
      if let rows = document["rows"]?.array { return rows }
    } catch {
      throw CommandFailure(.failedWhileRunning, "\(path) is no JSON: \(error)")
    }
    throw CommandFailure(
      .failedWhileRunning, "\(path) has no list \"rows\"; give a JSON file of a bench command")
  }
}

/// Pairs of equal measurements in two lists of bench rows.
struct BenchComparison {
  struct Pair {
    var name: String
    var unit: String
    var before: Double
    var after: Double
    /// Above 1 when the second is faster.
    var ratio: Double
  }

  private(set) var pairs: [Pair] = []
  private(set) var onlyBefore: [String] = []
  private(set) var onlyAfter: [String] = []

  /// Fields that describe a row, in the order of its name.
  private static let keys = [
    "test", "operation", "model", "quantization", "mesh", "transport", "ranks", "threads", "batch", "bytes",
  ]
  /// Measured fields in the order of preference, and whether more is faster.
  private static let values: [(key: String, unit: String, moreIsFaster: Bool)] = [
    ("avg_tokens_per_s", "tokens/s", true), ("median_s", "seconds", false),
    ("median_us", "microseconds", false),
  ]

  init(before: [JSONValue], after: [JSONValue]) {
    let old = before.map { (name: Self.name($0), row: $0) }
    let new = after.map { (name: Self.name($0), row: $0) }
    for (name, row) in old {
      guard let other = new.first(where: { $0.name == name })?.row else {
        onlyBefore.append(name)
        continue
      }
      for value in Self.values {
        guard let a = row[value.key]?.double, let b = other[value.key]?.double, a > 0, b > 0 else { continue }
        pairs.append(
          Pair(name: name, unit: value.unit, before: a, after: b, ratio: value.moreIsFaster ? b / a : a / b))
        break
      }
    }
    onlyAfter = new.map(\.name).filter { name in !old.contains { $0.name == name } }
  }

  private static func name(_ row: JSONValue) -> String {
    keys.compactMap { key in
      guard let value = row[key] else { return nil }
      if let text = value.string { return text }
      return value.int.map { "\(key) \($0)" }
    }.joined(separator: ", ")
  }
}
