internal import ArgumentParser
internal import Collectives
internal import Foundation
internal import Launching
internal import Parsing
internal import Presentation
internal import Settings

struct BenchCollectivesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collectives",
    abstract:
      "Measures exchanges between ranks that are processes of this host; every result is verified first.",
    discussion: """
      Examples:
        meshdecode bench collectives
        meshdecode bench collectives --operation all-to-all --ranks 4 --bytes 1024,16384 --output json
        meshdecode bench collectives --transport shm --bytes 1024,1048576
      """)

  @Option(
    name: .customLong("operation"), parsing: .unconditional,
    help: ArgumentHelp(
      "What to measure. (all-reduce, reduce-scatter, all-gather, all-to-all; default: all-reduce)",
      valueName: "choice"))
  var operation = "all-reduce"

  @Option(
    name: .customLong("ranks"), parsing: .unconditional,
    help: ArgumentHelp("Processes that take part. (1 to 64; default: 2)", valueName: "ranks"))
  var ranks = "2"

  @Option(
    name: .customLong("bytes"), parsing: .unconditional,
    help: ArgumentHelp(
      "Sizes, separated by commas. (multiples of 4 up to 67108864; default: 1024,16384,262144)",
      valueName: "bytes"))
  var bytes = "1024,16384,262144"

  @Option(
    name: .customLong("iterations"), parsing: .unconditional,
    help: ArgumentHelp("Exchanges timed for each size. (1 to 1000000; default: 200)", valueName: "number"))
  var iterations = "200"

  @Option(
    name: .customLong("algorithm"), parsing: .unconditional,
    help: ArgumentHelp(
      "Of an all-reduce; auto is the one of the lower predicted time. (auto, direct, scattered; default: auto)",
      valueName: "choice"))
  var algorithm = "auto"

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    let settings = try resolve(config, [launch, output])
    let rows = try measure(settings)
    switch settings.output.format {
    case .json:
      let document: JSONValue = ["rows": .array(rows.map(Self.json))]
      try Terminal.writeDocument(document)
    case .text: try Terminal.write(Self.table(rows).text + "\n")
    }
    guard rows.allSatisfy(\.verified) else {
      throw CommandFailure(.failedCheck, "a rank got a wrong result; see the column 'verified'")
    }
  }

  private func measure(_ settings: EngineSettings) throws -> [CollectiveBenchmark.Row] {
    guard let operation = CollectiveBenchmark.operations.first(where: { $0.rawValue == operation }) else {
      let names = CollectiveBenchmark.operations.map(\.rawValue).joined(separator: ", ")
      throw SettingsError("--operation cannot be '\(operation)'; choose one of \(names).")
    }
    let chosen = AllReducePlan.Algorithm(rawValue: algorithm)
    guard chosen != nil || algorithm == "auto" else {
      throw SettingsError("--algorithm cannot be '\(algorithm)'; choose one of auto, direct, scattered.")
    }
    // Ranks end with this process; the directory of their sockets has to be seen to.
    try TerminationSignals.endAtFirst()
    let directory = try RunDirectory.create(base: settings.launch.runDirectory)
    defer { directory.remove() }
    do {
      return try CollectiveBenchmark.run(
        operation: operation, ranks: integer("--ranks", ranks, 1...64),
        bytes: bytes.split(separator: ",", omittingEmptySubsequences: false).map {
          try integer("--bytes", String($0), 4...(64 << 20))
        },
        transport: CollectiveBenchmark.Transport(rawValue: settings.launch.transport.rawValue) ?? .ipc,
        isInsecure: settings.launch.insecure, linkConditions: settings.launch.linkConditions,
        algorithm: chosen,
        iterations: integer("--iterations", iterations, 1...1_000_000), base: directory.path)
    } catch let failure as CollectiveBenchmark.Failure {
      throw CommandFailure(.failedWhileRunning, "\(failure)")
    }
  }

  private static func json(_ row: CollectiveBenchmark.Row) -> JSONValue {
    [
      "operation": .string(row.operation.rawValue), "ranks": .integer(Int64(row.ranks)),
      "bytes": .integer(Int64(row.bytes)), "transport": .string(row.transport.rawValue),
      "encrypted": .bool(row.isEncrypted),
      "median_us": .number(row.medianMicroseconds), "p99_us": .number(row.p99Microseconds),
      "verified": .bool(row.verified),
    ]
  }

  private static func table(_ rows: [CollectiveBenchmark.Row]) -> Table {
    var table = Table([
      ("operation", .left), ("ranks", .right), ("bytes", .right), ("transport", .left), ("median", .right),
      ("p99", .right), ("verified", .left),
    ])
    for row in rows {
      table.add([
        row.operation.rawValue, "\(row.ranks)", "\(row.bytes)",
        row.transport.rawValue + (row.isEncrypted ? ", encrypted" : ""),
        Numbers.duration(seconds: row.medianMicroseconds / 1e6),
        Numbers.duration(seconds: row.p99Microseconds / 1e6), row.verified ? "yes" : "NO",
      ])
    }
    return table
  }
}

/// One rank of `bench collectives`; started by it alone.
struct BenchRankCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: CollectiveBenchmark.rankCommand, abstract: "One rank of a measurement.", shouldDisplay: false
  )

  @Argument(parsing: .captureForPassthrough) var words: [String] = []

  func run() throws { Foundation.exit(CollectiveBenchmark.rankMain(words)) }
}
