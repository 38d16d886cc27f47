internal import ArgumentParser
internal import Compute
internal import Parsing
internal import Presentation
internal import Settings
internal import Tensors
internal import WorkerRuntime

struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract:
      "Measures matrix products and attention beside the machine's read bandwidth and multiply-add peak.",
    discussion: """
      Every row is compared bit by bit with the slow reference kernels before it is timed.
      Examples:
        meshdecode bench kernels
        meshdecode bench kernels --formats q8,q4 --rows 1,16,512 --threads 2 --output json > kernels.json
      """)

  @Option(
    name: .customLong("formats"), parsing: .unconditional,
    help: ArgumentHelp("Weight formats, separated by commas. (bf16, f32, q8, q4)", valueName: "formats"))
  var formats = "bf16,q8,q4"

  @Option(
    name: .customLong("rows"), parsing: .unconditional,
    help: ArgumentHelp("Rows of activations, separated by commas. (1 to 4096)", valueName: "rows"))
  var rows = "1,4,16,512"

  @Option(
    name: .customLong("threads"), parsing: .unconditional,
    help: ArgumentHelp(
      "Threads, separated by commas; 0 is one for every CPU. (0 to 1024)", valueName: "threads"))
  var threads = "1,0"

  @Option(
    name: .customLong("repetitions"), parsing: .unconditional,
    help: ArgumentHelp("Measured runs of each row. (1 to 1000)", valueName: "number"))
  var repetitions = "5"

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  /// The yardsticks for one number of threads.
  private struct Machine {
    var threads: Int
    var readBandwidth: Double
    var multiplyAdds: Double
  }

  func run() throws {
    let settings = try resolve(config, [output])
    let chosen = try formats.split(separator: ",", omittingEmptySubsequences: false).map { name in
      guard let format = WeightFormat.allCases.first(where: { $0.name == name }) else {
        throw SettingsError("--formats cannot be '\(name)'; choose from bf16, f32, q8, q4.")
      }
      return format
    }
    let rowCounts = try numbers("--rows", rows, 1...4096)
    let cpus = HostFacts.allowedCPUs.count
    var threadCounts: [Int] = []
    for count in try numbers("--threads", threads, 0...1024).map({ $0 == 0 ? cpus : $0 })
    where !threadCounts.contains(count) { threadCounts.append(count) }
    let repetitions = try numbers("--repetitions", repetitions, 1...1000)[0]
    var machines: [Machine] = []
    var measured: [KernelBenchmark.Row] = []
    for threads in threadCounts {
      Terminal.note("measuring with \(threads) \(threads == 1 ? "thread" : "threads") ...")
      machines.append(
        Machine(
          threads: threads, readBandwidth: try ReadBandwidth.measure(threads: threads),
          multiplyAdds: try ArithmeticPeak.measure(threads: threads)))
      var benchmark = KernelBenchmark()
      benchmark.threads = threads
      benchmark.repetitions = repetitions
      for format in chosen {
        for count in rowCounts { measured.append(try benchmark.product(format: format, rows: count)) }
      }
      for format in KVFormat.allCases { measured.append(try benchmark.attention(format: format, rows: 1)) }
    }
    switch settings.output.format {
    case .json:
      let document: JSONValue = [
        "machine": .array(machines.map(Self.json)),
        "rows": .array(measured.map { row in Self.json(row, machines.first { $0.threads == row.threads }) }),
      ]
      try Terminal.writeDocument(document)
    case .text: try Terminal.write(Self.text(measured, machines))
    }
    guard measured.allSatisfy(\.verified) else {
      throw CommandFailure(.failedCheck, "a kernel differs from the reference; see the column 'verified'")
    }
  }

  private func numbers(_ flag: String, _ text: String, _ range: ClosedRange<Int>) throws -> [Int] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let number = Int($0), range.contains(number) else {
        throw SettingsError(
          "\(flag) cannot be '\($0)'; give numbers in the range \(range.lowerBound) to \(range.upperBound).")
      }
      return number
    }
  }

  private static func json(_ machine: Machine) -> JSONValue {
    [
      "threads": .integer(Int64(machine.threads)), "read_gb_per_s": .number(machine.readBandwidth / 1e9),
      "f32_gmac_per_s": .number(machine.multiplyAdds / 1e9),
    ]
  }

  private static func json(_ row: KernelBenchmark.Row, _ machine: Machine?) -> JSONValue {
    [
      "test": .string("\(row.kernel) \(row.format) \(row.shape)"), "kernel": .string(row.kernel),
      "quantization": .string(row.format), "shape": .string(row.shape), "batch": .integer(Int64(row.rows)),
      "threads": .integer(Int64(row.threads)), "verified": .bool(row.verified),
      "median_s": .number(row.median), "samples_s": .array(row.samples.map { .number($0) }),
      "gb_per_s": .number(row.gigabytesPerSecond),
      "gmac_per_s": .number(row.gigaMultiplyAddsPerSecond),
      "bandwidth_fraction": machine.map { .number(row.gigabytesPerSecond * 1e9 / $0.readBandwidth) } ?? .null,
      "peak_fraction": machine.map { .number(row.gigaMultiplyAddsPerSecond * 1e9 / $0.multiplyAdds) }
        ?? .null,
    ]
  }

  private static func text(_ rows: [KernelBenchmark.Row], _ machines: [Machine]) -> String {
    var table = Presentation.Table([
      ("kernel", .left), ("format", .left), ("shape", .left), ("rows", .right), ("threads", .right),
      ("median", .right), ("GB/s", .right), ("of read bandwidth", .right), ("GMAC/s", .right),
      ("of f32 peak", .right), ("verified", .left),
    ])
    for row in rows {
      guard let machine = machines.first(where: { $0.threads == row.threads }) else { continue }
      table.add([
        row.kernel, row.format, row.shape, "\(row.rows)", "\(row.threads)",
        Numbers.duration(seconds: row.median), Numbers.threeDigits(row.gigabytesPerSecond),
        percent(row.gigabytesPerSecond * 1e9 / machine.readBandwidth),
        Numbers.threeDigits(row.gigaMultiplyAddsPerSecond),
        percent(row.gigaMultiplyAddsPerSecond * 1e9 / machine.multiplyAdds), row.verified ? "yes" : "NO",
      ])
    }
    let probes = machines.map {
      "\($0.threads) \($0.threads == 1 ? "thread" : "threads"): read bandwidth "
        + "\(Numbers.threeDigits($0.readBandwidth / 1e9)) GB/s, f32 peak "
        + "\(Numbers.threeDigits($0.multiplyAdds / 1e9)) GMAC/s\n"
    }
    return probes.joined() + "\n" + table.text + "\n"
  }

  private static func percent(_ fraction: Double) -> String {
    Numbers.decimal(100 * fraction, digits: 0) + " %"
  }
}
