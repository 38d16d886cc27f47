internal import Compute
internal import Topology
package import Tensors

/// Where text enters and leaves a decoder: embedding table, final norm and head.
package struct EndSettings: Sendable {
  package var vocabularySize: Int
  package var tied: Bool
  package var embeddingScale: Float
  /// Soft cap of the logits; 0 = none.
  package var logitSoftcap: Float
  /// Format of the embedding table, and of the head: a tied head of another format is packed once more.
  package var embeddingFormat: WeightFormat
  package var headFormat: WeightFormat
  package var embedding: CheckpointTensor
  package var finalNorm: CheckpointTensor
  package var head: CheckpointTensor

  package init(
    vocabularySize: Int, tied: Bool, embeddingScale: Float, logitSoftcap: Float,
    embeddingFormat: WeightFormat, headFormat: WeightFormat, embedding: CheckpointTensor,
    finalNorm: CheckpointTensor, head: CheckpointTensor
  ) {
    self.vocabularySize = vocabularySize
    self.tied = tied
    self.embeddingScale = embeddingScale
    self.logitSoftcap = logitSoftcap
    self.embeddingFormat = embeddingFormat
    self.headFormat = headFormat
    self.embedding = embedding
    self.finalNorm = finalNorm
    self.head = head
  }
}

extension RankBuilder {
  /// Announces what the head needs of shared buffers; call before `prepareRoots`.
  package mutating func prepareHead(_ settings: EndSettings) {
    needRounded(
      rows: limits.sampledRows, columns: hiddenSize, leafWidth: hiddenSize, format: settings.headFormat)
  }

  /// Each rank of the attention group looks up the tokens of its vocabulary slice; the rows are then swapped.
  package mutating func embedding(_ settings: EndSettings) {
    let table = weights.matrix(
      [WeightPiece(settings.embedding, rows: geometry.vocabulary)], format: settings.embeddingFormat)
    let staged = workspace.take(floats: limits.ownRows * hiddenSize)
    embeddingTable = table
    places.embeddings = staged
    if !geometry.vocabulary.isEmpty {
      append(.embed(table: table, scale: settings.embeddingScale, output: staged))
    }
    if geometry.attentionGroup.size > 1 { append(.embeddings) }
    append(.placeEmbeddings(output: places.residual, width: hiddenSize))
  }

  /// Final norm of the sampled rows, this rank's columns of the head, and the local maximum of each row.
  package mutating func head(_ settings: EndSettings) {
    let columns = geometry.vocabulary.count
    let sampled = workspace.take(floats: limits.sampledRows * hiddenSize)
    let logits = workspace.take(floats: limits.sampledRows * columns)
    let candidates = workspace.take(floats: limits.sampledRows * 2)
    places.sampled = sampled
    places.logits = logits
    places.candidates = candidates
    if geometry.attentionGroup.size > 1 {
      places.digests = workspace.take(floats: geometry.attentionGroup.size)
    }
    if geometry.attentionGroup.ranks[0] == geometry.rank {
      places.gatheredLogits = workspace.take(floats: limits.sampledRows * settings.vocabularySize)
      places.gatheredCandidates = workspace.take(
        floats: limits.sampledRows * 2 * geometry.attentionGroup.size)
    }
    append(.pickSampledRows(input: places.residual, output: sampled, width: hiddenSize))
    norm(settings.finalNorm, from: sampled, to: sampled, rows: .sampled)
    if columns > 0 {
      let head = headMatrix(settings)
      let rows = inputs(of: head, from: sampled, rows: .sampled)
      append(
        .matmul(MatmulOp(weight: head, input: rows, output: logits, outputStride: columns, rows: .sampled)))
      if settings.logitSoftcap > 0 {
        append(.softcap(logits: logits, width: columns, cap: settings.logitSoftcap))
      }
      append(
        .localMaximum(
          logits: logits, width: columns, firstToken: geometry.vocabulary.lowerBound, output: candidates))
    }
    append(.logits)
  }

  /// The embedding table once more where head and embedding are tied and have the same words.
  private mutating func headMatrix(_ settings: EndSettings) -> PackedMatrix {
    guard settings.tied, !settings.headFormat.isQuantized else {
      return weights.matrix(
        [WeightPiece(settings.tied ? settings.embedding : settings.head, rows: geometry.vocabulary)],
        format: settings.headFormat)
    }
    guard var head = embeddingTable else { preconditionFailure("a tied head needs the embedding first") }
    head.format = settings.headFormat
    return head
  }

  /// Keeps a copy of the residual stream when the step asks for hidden states.
  package mutating func capture() {
    append(.capture(input: places.residual, index: places.captureCount, width: hiddenSize))
    places.captureCount += 1
  }
}
