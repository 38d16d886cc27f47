internal import Collectives
internal import Compute
package import Engine
package import Planning
internal import Presentation
package import Tensors
package import Topology
internal import WorkerRuntime

/// Measures in a few seconds what the predictor needs to know of this machine; the model that is to be measured
/// has no part in it.
///
/// What cores read is timed with the product kernel over matrices of growing size. What an operation, a message, an
/// exchange and a step cost is read off a decoder that has next to no weights, on meshes of one, two and four ranks
/// with the run's own launcher, links and threads: between its steps everything happens that happens in a real one.
package struct ScaleProbe {
  package private(set) var machine = MachineModel()
  /// What was found, one line each.
  package private(set) var lines: [String] = []

  /// - Parameters:
  ///   - format: how the model's matrices will be stored.
  ///   - transport: of the ranks of one host.
  ///   - layers: of the decoder without weights that `start` runs; `positions` is its longest sequence.
  package init(
    format: WeightFormat, transport: String, coresPerHost: Int, layers: Int, positions: Int,
    start: (MeshShape) throws -> MeshEngine
  ) throws {
    machine.coresPerHost = coresPerHost
    try readRates(format, cores: coresPerHost)
    try bytesBetweenRanks(transport)
    try emptySteps(layers: layers, positions: positions, start)
  }

  private mutating func readRates(_ format: WeightFormat, cores: Int) throws {
    for threads in Set([1, cores]).sorted() {
      for megabytes in [0.5, 2, 8, 24, 160] as [Double] {
        var benchmark = KernelBenchmark()
        benchmark.threads = threads
        benchmark.repetitions = megabytes < 100 ? 15 : 4
        // Matrices of half a mebibyte per thread at least, so that calls weigh little.
        benchmark.inputs = megabytes < 100 ? 512 : 2048
        benchmark.outputs = megabytes < 100 ? 512 * threads : 2048
        benchmark.streamBytes = Int(megabytes * Double(threads) * 1_048_576)
        let row = try benchmark.product(format: format, rows: 1)
        machine.readRates.append(
          MachineModel.ReadRate(
            cores: threads, bytesPerCore: megabytes * 1_048_576, bytesPerSecond: row.gigabytesPerSecond * 1e9)
        )
      }
      let rates = machine.readRates.filter { $0.cores == threads }
      lines.append(
        "\(threads) core\(threads == 1 ? "" : "s") read "
          + rates.map {
            "\(Self.short($0.bytesPerSecond / 1e9)) GB/s of \(Self.short($0.bytesPerCore / 1_048_576)) MiB"
          }
          .joined(separator: ", ") + " each, through the product kernel")
    }
    machine.memoryBytesPerSecond = machine.readRates.last?.bytesPerSecond ?? machine.memoryBytesPerSecond
    var benchmark = KernelBenchmark()
    benchmark.threads = cores
    benchmark.inputs = 512
    benchmark.outputs = 512 * cores
    benchmark.streamBytes = cores << 21
    benchmark.repetitions = 15
    machine.multiplyAddsPerSecond =
      try benchmark.product(format: format, rows: 8).gigaMultiplyAddsPerSecond * 1e9
    lines.append(
      "\(cores) cores do \(Self.short(machine.multiplyAddsPerSecond / 1e9)) G multiply-adds/s, through the same kernel "
        + "with eight rows")
  }

  /// Two ranks swap rows of a kilobyte and of 256: the difference is what bytes take.
  private mutating func bytesBetweenRanks(_ transport: String) throws {
    let small = 1024
    let large = 262_144
    let rows = try CollectiveBenchmark.run(
      operation: .allReduce, ranks: 2, bytes: [small, large],
      transport: CollectiveBenchmark.Transport(rawValue: transport) ?? .ipc, iterations: 100)
    let seconds = (rows[1].medianMicroseconds - rows[0].medianMicroseconds) / 1e6
    guard seconds > 0 else { return }
    machine.localBytesPerSecond = 2 * Double(large - small) / seconds
    lines.append(
      "two ranks hand \(Self.short(machine.localBytesPerSecond / 1e9)) GB/s to each other over \(transport)")
  }

  private mutating func emptySteps(
    layers: Int, positions: Int, _ start: (MeshShape) throws -> MeshEngine
  ) throws {
    var splits: [Int: LatencySplit] = [:]
    var threads: [Int: Int] = [:]
    for ranks in [1, 2, 4] {
      let shape = try MeshShape(tp: ranks)
      let engine = try start(shape)
      defer { engine.stop() }
      var measurement = ScaleMeasurement()
      measurement.promptTokens = 1
      measurement.generatedTokens = positions - 20
      measurement.repetitions = 1
      splits[ranks] = try measurement.run(engine, shape: shape).split
      threads[ranks] = engine.sizes.threadsPerWorker
    }
    guard let one = splits[1], let two = splits[2], let four = splits[4] else { return }
    let operations = Double(8 + 12 * layers)
    machine.operationSeconds = two.compute / operations
    machine.teamOperationSeconds = threads[1] == 1 ? machine.operationSeconds : one.compute / operations
    // Two sums in each layer, the embedding and the candidates.
    let exchanges = Double(2 * layers + 2)
    machine.sendSeconds = two.serialise / exchanges
    machine.exchangeSeconds = (two.wait + two.wire) / exchanges
    machine.exchangeWaitShare =
      (two.wait + four.wait) / max(1e-9, two.wait + two.wire + four.wait + four.wire)
    let cores = Double(machine.coresPerHost ?? 4)
    let queue = 12 / min(cores, 8)
    let crowding = max(1, 4 / cores) - 1
    let rest =
      (four.wait + four.wire + four.serialise - crowding * two.compute) / exchanges - machine.exchangeSeconds
      - 3 * machine.sendSeconds
    if queue > 1 { machine.messageSeconds = max(0, rest / (queue - 1)) }
    machine.controlSeconds = (one.control + two.control) / 2
    if cores < 4 {
      machine.controlSecondsPerRank = max(0, four.control - machine.controlSeconds) / (4 - cores)
    }
    lines += [
      "an operation costs \(Self.micros(machine.operationSeconds)) on a rank of one thread, "
        + "\(Self.micros(machine.teamOperationSeconds)) on one of \(threads[1] ?? 1)",
      "an exchange takes \(Self.micros(machine.exchangeSeconds)), \(Self.micros(machine.sendSeconds)) to hand over a "
        + "message and \(Self.micros(machine.messageSeconds)) for each that has to queue",
      "between steps pass \(Self.micros(machine.controlSeconds)) and "
        + "\(Self.micros(machine.controlSecondsPerRank)) for each rank without a core",
    ]
  }

  private static func micros(_ seconds: Double) -> String { Numbers.duration(seconds: seconds) }

  private static func short(_ value: Double) -> String { Numbers.threeDigits(value) }
}
