internal import Engine
internal import ModelConfigs
internal import RunSetup
internal import Topology
internal import Wire

/// A decoder on a mesh of worker processes, for an engine that schedules, allocates blocks and samples by
/// itself.
///
/// The interface of a model under vLLM: load, step, embeddings, logits. Calls block and must come from one
/// thread at a time; `close` ends the workers, as does the decoder's end. Results have the same bits on every
/// mesh.
public final class CausalDecoder {
  /// What follows from the configuration.
  public struct Facts: Sendable, Hashable {
    /// D
    public let hiddenSize: Int
    /// V
    public let vocabularySize: Int
    public let numLayers: Int
    /// Ranks of the mesh, one process each.
    public let worldSize: Int
    /// Groups of ranks that keep the KV cache of their own sequences: a step takes one input for each.
    public let numAttentionGroups: Int
    /// Blocks of each attention group's KV cache, and positions in each.
    public let numBlocks: Int
    public let blockSize: Int
    public let maxModelLength: Int
    /// Sequences and tokens of one group in one step.
    public let maxSequences: Int
    public let maxBatchedTokens: Int
  }

  public let configuration: DecoderConfiguration
  public let facts: Facts
  private let engineConfiguration: EngineConfiguration
  private let embeddings: EmbeddingTable
  private var engine: MeshEngine?

  /// Checks the configuration against the model; starts nothing.
  ///
  /// - Throws: `DecoderError` of kind `configuration`.
  public init(_ configuration: DecoderConfiguration) throws(DecoderError) {
    let (setup, engine) = try configuration.setup()
    self.configuration = configuration
    engineConfiguration = engine
    embeddings = EmbeddingTable(engine)
    do throws(EngineError) {
      let sizes = try RunSizes(engine)
      facts = Facts(
        hiddenSize: setup.config.hiddenSize, vocabularySize: setup.config.vocabSize,
        numLayers: setup.config.numLayers, worldSize: setup.shape.worldSize,
        numAttentionGroups: Mesh(setup.shape).tokenOwners, numBlocks: sizes.pagesPerGroup,
        blockSize: engine.pageSlots, maxModelLength: sizes.maxModelLength, maxSequences: engine.maxSequences,
        maxBatchedTokens: engine.maxBatchedTokens)
    } catch {
      throw DecoderError(error)
    }
  }

  deinit { close() }

  /// Whether weights are loaded.
  public var isLoaded: Bool { engine != nil }

  /// Starts the workers and loads the weights; does nothing when they are loaded.
  ///
  /// - Parameter progress: gets bytes done and bytes of all shards together.
  /// - Throws: `DecoderError`: `configuration` for a model, mesh or checkpoint that cannot be run, else `failure`. No
  ///   process is left then.
  public func load(
    progress: (_ bytesDone: Int, _ bytesTotal: Int) -> Void = { _, _ in }
  ) throws(DecoderError) {
    guard engine == nil else { return }
    do throws(EngineError) {
      let engine = try MeshEngine(engineConfiguration)
      try engine.waitUntilReady { event in
        if case .loading(let done, let total) = event { progress(Int(done), Int(total)) }
      }
      self.engine = engine
    } catch {
      throw DecoderError(error)
    }
  }

  /// Ends the workers; weights and KV caches are gone. `load` may follow.
  public func close() {
    engine?.stop()
    engine = nil
  }

  /// The rows of some tokens as they enter the first layer: [T, D].
  ///
  /// Cost: one read of the checkpoint for each token; the workers compute nothing.
  public func embed(_ tokenIDs: [Int32]) throws(DecoderError) -> RowMatrix {
    _ = try loaded("embed")
    try check(tokenIDs)
    return try embeddings.rows(tokenIDs, scaled: true)
  }

  /// The input embedding table as stored: [V, D].
  public func inputEmbeddings() throws(DecoderError) -> RowMatrix {
    _ = try loaded("inputEmbeddings")
    return try embeddings.rows(Array(0..<Int32(facts.vocabularySize)), scaled: false)
  }

  /// The logits of hidden states before the final norm: [T, D] to [T, V].
  ///
  /// The same operations as at the end of a step, so the same bits as the `logits` command.
  public func logits(_ hidden: RowMatrix) throws(DecoderError) -> RowMatrix {
    let engine = try loaded("logits")
    guard hidden.columns == facts.hiddenSize else {
      throw DecoderError(
        .input, "hidden states have \(hidden.columns) columns; this model's have \(facts.hiddenSize)")
    }
    let rowsAtOnce = max(1, min(headRows, Self.largestReply / (facts.vocabularySize * 4)))
    var values: [Float] = []
    values.reserveCapacity(hidden.rows * facts.vocabularySize)
    for first in stride(from: 0, to: hidden.rows, by: rowsAtOnce) {
      let range = first..<min(first + rowsAtOnce, hidden.rows)
      do throws(EngineError) {
        let reply = try engine.logits(hidden: hidden.littleEndianBytes(range), rows: range.count)
        values += reply.floats
      } catch {
        throw DecoderError(error)
      }
    }
    return RowMatrix(rows: hidden.rows, columns: facts.vocabularySize, values: values)
  }

  /// Bytes of logits in one message of the control plane; half of what one may hold.
  private static let largestReply = 32 << 20

  /// Rows that the workers' buffers of the head hold.
  private var headRows: Int {
    configuration.keepsAuxiliaryHiddenStates
      ? facts.maxBatchedTokens : min(facts.maxSequences, facts.maxBatchedTokens)
  }

  func loaded(_ what: String) throws(DecoderError) -> MeshEngine {
    guard let engine else {
      throw DecoderError(.notLoaded, "\(what) needs loaded weights; call load first")
    }
    return engine
  }

  func check(_ tokenIDs: [Int32]) throws(DecoderError) {
    guard let wrong = tokenIDs.first(where: { $0 < 0 || Int($0) >= facts.vocabularySize }) else { return }
    throw DecoderError(
      .input, "token id \(wrong) is outside the vocabulary of 0 to \(facts.vocabularySize - 1)")
  }
}
