internal import Checkpoints
internal import Compute
internal import Layers
package import Tensors

/// Measures single operations of a step as a worker runs them: threads, barrier and all, each verified first.
///
/// Products go round as many copies of a matrix as fill `streamBytes`, so that weights come from memory and
/// not from a cache. Verification compares every bit with the reference kernels on the same inputs (for
/// products, on the first `verifiedOutputs` outputs, because the reference is slow).
package struct KernelBenchmark {
  /// One measured operation.
  package struct Row: Sendable, Hashable {
    package var kernel: String
    package var format: String
    package var shape: String
    package var rows: Int
    package var threads: Int
    package var verified: Bool
    /// Seconds of one operation.
    package var samples: [Double]
    /// Bytes of weights or cache that one operation reads, and its multiply-adds.
    package var bytes: Int
    package var multiplyAdds: Int

    package var median: Double { samples.sorted()[samples.count / 2] }
    package var gigabytesPerSecond: Double { Double(bytes) / median / 1e9 }
    package var gigaMultiplyAddsPerSecond: Double { Double(multiplyAdds) / median / 1e9 }
  }

  package var threads = 1
  package var repetitions = 5
  package var inputs = 2048
  package var outputs = 8192
  /// Keys that the measured attention sees.
  package var context = 1024
  package var streamBytes = 256 << 20

  private let verifiedOutputs = 64

  package init() {}

  /// `y = W x` with `rows` rows of activations.
  package func product(format: WeightFormat, rows: Int) throws -> Row {
    let matrixBytes = PackedLayout.byteCount(rows: outputs, columns: inputs, format: format)
    let copies = max(1, min(64, streamBytes / matrixBytes))
    var plan = WeightPlan()
    let tensor = CheckpointTensor("benchmark.weight", shape: [outputs, inputs])
    let matrices = (0..<copies).map { _ in
      plan.matrix([WeightPiece(tensor, rows: 0..<outputs)], format: format)
    }
    var workspace = RegionAllocator(.workspace)
    let input = workspace.take(floats: rows * inputs)
    let rounded = workspace.take(bytes: rows * matrices[0].roundedRowBytes)
    let output = workspace.take(floats: rows * outputs)
    let memory = try StepMemory(
      weightBytes: plan.byteCount, workspaceBytes: workspace.byteCount, kvBytes: 0)
    let source = SyntheticWeights(seed: 1, dtype: .bf16)
    let requests = plan.matrices.map {
      TensorRequest(
        $0.pieces.map { .part($0.tensor, rows: $0.rows, columns: $0.columns) },
        as: .packed($0.packed.format, leafWidth: $0.packed.leafWidth), at: $0.packed.region.byteOffset)
    }
    try ShardLoader(requests, from: source, arenaBytes: plan.byteCount)
      .load(from: source, into: &memory.weights)
    fill(memory, input, count: rows * inputs)
    func steps(_ matrix: PackedMatrix) -> [ProgramStep] {
      var steps: [ProgramStep] = []
      if format.roundsInputs {
        steps.append(.op(.round(RoundOp(input: input, output: rounded, weight: matrix, rows: .own))))
      }
      steps.append(
        .op(
          .matmul(
            MatmulOp(
              weight: matrix, input: format.roundsInputs ? rounded : input, output: output,
              outputStride: matrix.rows, rows: .own))))
      return steps
    }
    let tables = tables(rows: rows)
    var first = matrices[0]
    first.rows = min(outputs, verifiedOutputs)
    let verified = try agree(
      StepProgram(steps: steps(first)), memory, tables, output, count: rows * first.rows)
    let samples = try time(StepProgram(steps: matrices.flatMap(steps)), memory, tables).map {
      $0 / Double(copies)
    }
    return Row(
      kernel: "product", format: format.name, shape: "\(outputs) x \(inputs)", rows: rows, threads: threads,
      verified: verified, samples: samples, bytes: matrixBytes, multiplyAdds: rows * inputs * outputs)
  }

  /// Attention of `rows` sequences, one token each, over a full context: 8 KV heads, 32 query heads of 64.
  package func attention(format: KVFormat, rows: Int) throws -> Row {
    let (queryHeads, kvHeads, headDim, slots) = (32, 8, 64, 16)
    let pages = (context + slots - 1) / slots
    let headBytes =
      format.keyBytes(headDim: headDim, pageSlots: slots)
      + format.valueBytes(headDim: headDim, pageSlots: slots)
    let layers = max(1, streamBytes / (rows * pages * kvHeads * headBytes))
    var workspace = RegionAllocator(.workspace)
    let width = (queryHeads + 2 * kvHeads) * headDim
    let qkv = workspace.take(floats: context * width)
    let output = workspace.take(floats: rows * queryHeads * headDim)
    var kv = RegionAllocator(.kv)
    let ops = (0..<layers).map { _ in
      AttentionOp(
        qkv: qkv, output: output, queryHeads: queryHeads, kvHeads: kvHeads, headDim: headDim,
        firstQueryHead: 0, firstKVHead: 0, queriesPerKVHead: queryHeads / kvHeads, normEpsilon: 0,
        cosines: qkv, sines: qkv, ropeDim: 0, scale: 0.125, softcap: 0, window: 0,
        pool: kv.take(bytes: rows * pages * kvHeads * headBytes), pageSlots: slots, pageHeadBytes: headBytes,
        kvFormat: format)
    }
    let memory = try StepMemory(
      weightBytes: 0, workspaceBytes: workspace.byteCount, kvBytes: kv.byteCount)
    fill(memory, qkv, count: context * width)
    for sequence in 0..<rows {
      let tables = tables(rows: context)
      for position in 0..<context {
        tables.positions.append(Int32(position))
        tables.kvSlots.append(Int32(sequence * pages * slots + position))
      }
      _ = try execute(
        StepProgram(steps: ops.map { .op(.writeKeysAndValues($0)) }), memory, tables, .best, runs: 1)
    }
    let tables = tables(rows: rows)
    tables.chunkStarts.append(0)
    for sequence in 0..<rows {
      tables.positions.append(Int32(context - 1))
      tables.pageStarts.append(Int32(tables.pages.count))
      for page in 0..<pages { tables.pages.append(Int32(sequence * pages + page)) }
      tables.chunkStarts.append(Int32(sequence + 1))
    }
    let verified = try agree(
      StepProgram(steps: [.op(.attend(ops[0]))]), memory, tables, output,
      count: rows * queryHeads * headDim)
    let samples = try time(StepProgram(steps: ops.map { .op(.attend($0)) }), memory, tables).map {
      $0 / Double(layers)
    }
    return Row(
      kernel: "attention", format: "\(format)",
      shape: "\(queryHeads)/\(kvHeads) x \(headDim), \(context) keys",
      rows: rows, threads: threads, verified: verified, samples: samples,
      bytes: rows * context * kvHeads * format.bytesPerToken(headDim: headDim),
      multiplyAdds: rows * context * queryHeads * headDim * 2)
  }

  private func tables(rows: Int) -> StepTables {
    let tables = StepTables(
      limits: StepLimits(
        ownRows: max(rows, context), gatheredRows: rows, sampledRows: 1,
        pageReferences: rows * (context / 16 + 1), chosenExperts: 0, localExperts: 0, expertSlices: 1))
    tables.ownRows = rows
    return tables
  }

  /// Numbers in -1...1 by a fixed linear congruence.
  private func fill(_ memory: StepMemory, _ region: Region, count: Int) {
    memory.withWorkspace { bytes in
      var state: UInt64 = 1
      for index in 0..<count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let value = Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
        bytes.storeBytes(of: value.bitPattern, toByteOffset: region.byteOffset + 4 * index, as: UInt32.self)
      }
    }
  }

  /// Whether the best kernels and the reference leave the same bits at `output`.
  private func agree(
    _ program: StepProgram, _ memory: StepMemory, _ tables: StepTables, _ output: Region, count: Int
  ) throws -> Bool {
    _ = try execute(program, memory, tables, .best, runs: 1)
    let best = memory.bytes(output, count: 4 * count)
    _ = try execute(program, memory, tables, .reference, runs: 1)
    return memory.bytes(output, count: 4 * count) == best
  }

  private func time(_ program: StepProgram, _ memory: StepMemory, _ tables: StepTables) throws -> [Double] {
    Array(try execute(program, memory, tables, .best, runs: repetitions + 1).dropFirst())
  }

  /// Seconds of each run.
  private func execute(
    _ program: StepProgram, _ memory: StepMemory, _ tables: StepTables, _ set: InstructionSet, runs: Int
  ) throws -> [Double] {
    let team = try ThreadTeam(
      count: threads, rank: 0, cpus: threads <= HostFacts.allowedCPUs.count ? HostFacts.allowedCPUs : [])
    let executor = StepExecutor(team: team, kernels: KernelTable(set))
    let clock = ContinuousClock()
    return (0..<runs).map { _ in
      clock.measure { executor.run(program: program, memory: memory, tables: tables) { _ in true } }
        / .seconds(1)
    }
  }
}
