internal import Checkpoints
package import Compute
internal import Layers
internal import ModelConfigs
package import Models
internal import Parsing
internal import Tensors
internal import Topology

/// Loads one rank's part of a model into fresh memory.
package enum ModelLoading {
  /// Bytes done and bytes of the whole shard; false stops.
  package typealias Progress = (Int, Int) -> Bool

  /// What a rank computes with.
  package struct Loaded {
    package var program: RankProgram
    package var memory: StepMemory
  }

  /// Plans and loads the shard that `settings` describe.
  ///
  /// - Throws: `WorkerError.startup` with one sentence for a bad configuration, mesh, checkpoint or too
  ///   little memory.
  package static func load(
    _ settings: WorkerSettings, kernels: KernelTable, progress: Progress
  ) throws(WorkerError) -> Loaded {
    do {
      let config = try ModelConfig(json: try JSONReader.parse(Array(settings.configJSON.utf8)))
      if let seed = settings.dummySeed {
        let dtype = config.storedDType ?? .bf16
        let source = SyntheticWeights(seed: seed, dtype: dtype)
        return try load(settings, config, source, dtype, kernels, progress)
      }
      let source = try CheckpointDirectory(path: settings.modelDirectory).openWeights()
      let dtype = try source.resolve(TensorNames(config, contains: source.contains).embedding).dtype
      return try load(settings, config, source, dtype, kernels, progress)
    } catch {
      throw (error as? WorkerError) ?? .startup("\(error)")
    }
  }

  private static func load(
    _ settings: WorkerSettings, _ config: ModelConfig, _ source: some WeightSource, _ dtype: DType,
    _ kernels: KernelTable, _ progress: Progress
  ) throws -> Loaded {
    let plan = try ShardPlan(
      model: ModelDimensions(config), mesh: Mesh(settings.mesh), balance: settings.balance)
    let program = DecoderBuilder.build(
      names: TensorNames(config, contains: source.contains), plan: plan, rank: settings.rank,
      limits: settings.limits, storedDType: settings.packedDType(of: dtype),
      quantization: settings.quantization)
    let loader = try ShardLoader(
      requests(program.weights), from: source, arenaBytes: program.weights.byteCount)
    let memory = try StepMemory(
      weightBytes: program.weights.byteCount, workspaceBytes: program.workspaceBytes, kvBytes: program.kvBytes
    )
    try loader.load(from: source, into: &memory.weights) { progress($0.doneBytes, $0.totalBytes) }
    complete(program, memory: memory, kernels: kernels)
    return Loaded(program: program, memory: memory)
  }

  private static func requests(_ plan: WeightPlan) -> [TensorRequest] {
    func pieces(_ pieces: [WeightPiece]) -> [TensorRequest.Piece] {
      pieces.map { .part($0.tensor, rows: $0.rows, columns: $0.columns) }
    }
    return plan.matrices.map { matrix in
      TensorRequest(
        pieces(matrix.pieces),
        as: .packed(matrix.packed.format, leafWidth: matrix.packed.leafWidth),
        at: matrix.packed.region.byteOffset)
    }
      + plan.vectors.map { TensorRequest(pieces($0.pieces), as: .vector, at: $0.region.byteOffset) }
  }

  /// Constants, norm offsets and rotary tables.
  private static func complete(_ program: RankProgram, memory: StepMemory, kernels: KernelTable) {
    for constant in program.weights.constants { memory.write(constant.bytes, to: constant.region) }
    for vector in program.weights.vectors where vector.offset != 0 {
      memory.add(vector.offset, to: vector.region, count: vector.pieces.reduce(0) { $0 + $1.columns.count })
    }
    for table in program.ropeTables {
      memory.fillRotaryTables(
        cosines: table.tables.cosines, sines: table.tables.sines,
        inverseFrequencies: table.parameters.inverseFrequencies(headDim: table.headDim),
        positions: table.positions,
        attentionFactor: Float(table.parameters.attentionFactor), kernels: kernels)
    }
  }
}

extension WorkerSettings {
  /// The type that weights of `dtype` are packed from.
  fileprivate func packedDType(of dtype: DType) -> DType {
    switch weightDType {
    case .stored: dtype
    case .bf16: .bf16
    case .f32: .f32
    }
  }
}
