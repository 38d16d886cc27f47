/// The plain numbers of a model from which shards follow; everything of a checkpoint that a mesh must know.
package struct ModelDimensions: Sendable, Hashable {
  /// D: elements of a hidden row.
  package var hiddenSize: Int
  /// V: rows of the embedding.
  package var vocabularySize: Int
  /// Elements that a kernel reads as one unit along a contraction: 2 for bf16 and f32, 32 for quantised
  /// weights.
  package var granule: Int
  package var layers: [LayerDimensions]

  package init(hiddenSize: Int, vocabularySize: Int, granule: Int = 2, layers: [LayerDimensions]) {
    self.hiddenSize = hiddenSize
    self.vocabularySize = vocabularySize
    self.granule = granule
    self.layers = layers
  }
}

/// One decoder layer.
package struct LayerDimensions: Sendable, Hashable {
  package var attention: AttentionDimensions
  package var feedForward: FeedForwardDimensions

  package init(attention: AttentionDimensions, feedForward: FeedForwardDimensions) {
    self.attention = attention
    self.feedForward = feedForward
  }
}

/// N query heads share K KV heads of H elements each; query head q reads KV head `q * K / N`.
package struct AttentionDimensions: Sendable, Hashable {
  package var numQueryHeads: Int
  package var numKVHeads: Int
  package var headDim: Int

  package init(numQueryHeads: Int, numKVHeads: Int, headDim: Int) {
    self.numQueryHeads = numQueryHeads
    self.numKVHeads = numKVHeads
    self.headDim = headDim
  }
}

/// What follows attention in a layer.
package enum FeedForwardDimensions: Sendable, Hashable {
  case dense(intermediateSize: Int)
  case experts(ExpertDimensions)
}

/// E experts of one width, of which a token uses X, and perhaps a shared expert that every token uses.
package struct ExpertDimensions: Sendable, Hashable {
  package var numExperts: Int
  package var numExpertsPerToken: Int
  package var intermediateSize: Int
  /// Width of the shared experts together; 0 when there are none.
  package var sharedIntermediateSize: Int

  package init(
    numExperts: Int, numExpertsPerToken: Int, intermediateSize: Int, sharedIntermediateSize: Int = 0
  ) {
    self.numExperts = numExperts
    self.numExpertsPerToken = numExpertsPerToken
    self.intermediateSize = intermediateSize
    self.sharedIntermediateSize = sharedIntermediateSize
  }
}
