internal import Checkpoints
internal import Engine
internal import ModelConfigs
internal import Tensors
internal import WorkerRuntime

/// Rows of the input embedding, read from where the workers read them and rounded as they round.
struct EmbeddingTable {
  private let configuration: EngineConfiguration

  init(_ configuration: EngineConfiguration) { self.configuration = configuration }

  /// One row for each id; `scaled` as it enters the first layer, otherwise as stored.
  func rows(_ ids: [Int32], scaled: Bool) throws(DecoderError) -> RowMatrix {
    do {
      if let seed = configuration.dummySeed {
        let dtype = configuration.config.storedDType ?? .bf16
        return try rows(ids, scaled: scaled, from: SyntheticWeights(seed: seed, dtype: dtype))
      }
      let source = try CheckpointDirectory(path: configuration.modelDirectory).openWeights()
      return try rows(ids, scaled: scaled, from: source)
    } catch {
      throw DecoderError(.failure, "\(error)")
    }
  }

  private func rows(
    _ ids: [Int32], scaled: Bool, from source: some WeightSource
  ) throws(CheckpointError) -> RowMatrix {
    let config = configuration.config
    let table = try source.resolve(TensorNames(config, contains: { source.contains($0) }).embedding)
    let scale = scaled ? Float(config.embeddingScale) : 1
    let rounds = configuration.weightDType == .bf16
    let columns = config.hiddenSize
    var values: [Float] = []
    values.reserveCapacity(ids.count * columns)
    for id in ids {
      source.withRows(table, rows: Int(id)..<Int(id) + 1, columns: 0..<columns) { block in
        for column in 0..<columns {
          let stored = block.element(0, column)
          let held = rounds ? BFloat16(stored).float : stored
          values.append(scale == 1 ? held : held * scale)
        }
      }
    }
    return RowMatrix(rows: ids.count, columns: columns, values: values)
  }
}
