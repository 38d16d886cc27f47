internal import ArgumentParser
internal import Compute
internal import Engine
internal import Parsing
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology
internal import Workloads

struct BenchDecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode",
    abstract:
      "Measures prefill and decode of a model on a mesh, with the machine's read bandwidth beside it.",
    discussion: """
      Examples:
        meshdecode bench decode --tp 2
        meshdecode bench decode --model DIR --load-format dummy -p 512 -n 128 --batch 1,4,16 --output json
        meshdecode bench decode -p 0 -n 32 -d 400 --kv-cache-dtype q8
      """)

  @Option(
    name: [.customShort("p"), .customLong("prompt-tokens")],
    help: "Tokens of the prefill test; 0 leaves it out.")
  var promptTokens = 512

  @Option(
    name: [.customShort("n"), .customLong("generate-tokens")],
    help: "Tokens of the decode test; 0 leaves it out.")
  var generateTokens = 128

  @Option(
    name: [.customShort("d"), .customLong("depth")],
    help: "Tokens that sequences have in their caches when the decode test begins.")
  var depth = 1

  @Option(
    name: .customLong("batch"), parsing: .unconditional,
    help: ArgumentHelp(
      "Sequences at once; decode is measured for each number of a list, prefill for the first. (default: 1)",
      valueName: "numbers"))
  var batch = "1"

  @Option(name: .customLong("repetitions"), help: "Measured runs of each test.")
  var repetitions = 5

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var trace: TraceOptions

  func run() throws {
    try trace.check()
    try require([
      ("-p", promptTokens, 0...1_000_000), ("-n", generateTokens, 0...1_000_000),
      ("-d", depth, 1...1_000_000),
      ("--repetitions", repetitions, 1...1000),
    ])
    let batches = try batchSizes()
    let most = batches.max() ?? 1
    let settings = try resolve(config, [model, mesh, scheduler, launch, output])
    let running = try RunningMesh.start(settings) { configuration in
      configuration.cachesPrefixes = false
      configuration.maxSequences = most
      configuration.maxBatchedTokens = max(configuration.maxBatchedTokens, most)
      if configuration.maxModelLength == 0 {
        configuration.maxModelLength = max(promptTokens, depth + generateTokens) + 2
      }
    }
    defer { running.engine.stop() }
    let threads = running.engine.sizes.threadsPerWorker * running.setup.shape.worldSize
    var benchmark = DecodeBenchmark(engine: running.engine)
    benchmark.promptTokens = promptTokens
    benchmark.generatedTokens = generateTokens
    benchmark.depth = depth
    benchmark.batches = batches
    benchmark.repetitions = repetitions
    benchmark.readBandwidth = try ReadBandwidth.measure(threads: threads)
    trace.begin(running.engine)
    let rows = try benchmark.run { Terminal.note("measuring \($0) ...") }
    try trace.end(running.engine)
    running.engine.stop()
    switch settings.output.format {
    case .json:
      let document: JSONValue = ["rows": .array(rows.map { json($0, running) })]
      try Terminal.writeDocument(document)
    case .text: try Terminal.write(table(rows, running).text + "\n")
    }
  }

  private func batchSizes() throws -> [Int] {
    try batch.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let size = Int($0), (1...4096).contains(size) else {
        throw SettingsError("--batch cannot be '\($0)'; give numbers from 1 to 4096, separated by commas.")
      }
      return size
    }
  }

  private func json(_ row: DecodeBenchmark.Row, _ running: RunningMesh) -> JSONValue {
    [
      "test": .string(row.test), "model": .string(running.modelName),
      "size_bytes": .integer(Int64(running.engine.weightBytes)),
      "quantization": .string(running.engine.weightFormat),
      "mesh": .string("\(running.setup.shape)"),
      "threads": .integer(Int64(running.engine.sizes.threadsPerWorker)), "batch": .integer(Int64(row.batch)),
      "avg_tokens_per_s": .number(row.mean), "stddev_tokens_per_s": .number(row.deviation),
      "samples_tokens_per_s": .array(row.samples.map { .number($0) }),
      "weight_gb_per_s": row.weightGigabytesPerSecond.map { .number($0) } ?? .null,
      "bandwidth_fraction": row.bandwidthFraction.map { .number($0) } ?? .null,
      "overhead_us": row.overheadMicroseconds.map { .number($0) } ?? .null,
    ]
  }

  private func table(_ rows: [DecodeBenchmark.Row], _ running: RunningMesh) -> Presentation.Table {
    var table = Presentation.Table([
      ("model", .left), ("size", .right), ("format", .left), ("mesh", .left), ("threads", .right),
      ("batch", .right),
      ("test", .left), ("t/s", .right), ("weights GB/s", .right), ("of read bandwidth", .right),
      ("overhead", .right),
    ])
    for row in rows {
      table.add([
        running.modelName, Numbers.bytes(running.engine.weightBytes), running.engine.weightFormat,
        "\(running.setup.shape)", "\(running.engine.sizes.threadsPerWorker)", "\(row.batch)", row.test,
        "\(Numbers.decimal(row.mean, digits: 2)) ± \(Numbers.decimal(row.deviation, digits: 2))",
        row.weightGigabytesPerSecond.map { Numbers.decimal($0, digits: 2) } ?? "",
        row.bandwidthFraction.map { Numbers.decimal($0 * 100, digits: 0) + " %" } ?? "",
        row.overheadMicroseconds.map { Numbers.duration(seconds: $0 / 1e6) } ?? "",
      ])
    }
    return table
  }
}
