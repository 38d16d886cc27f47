package import ModelConfigs
package import Topology

extension ModelConfig {
  /// The sizes that sharding depends on.
  package var dimensions: ModelDimensions {
    ModelDimensions(
      hiddenSize: hiddenSize, vocabularySize: vocabSize,
      layers: (0..<numLayers).map { layer in
        LayerDimensions(
          attention: AttentionDimensions(
            numQueryHeads: numQueryHeads, numKVHeads: numKVHeads, headDim: headDim),
          feedForward: feedForward(layer: layer))
      })
  }

  private func feedForward(layer: Int) -> FeedForwardDimensions {
    guard let moe, isSparse(layer: layer) else { return .dense(intermediateSize: intermediateSize) }
    return .experts(
      ExpertDimensions(
        numExperts: moe.numExperts, numExpertsPerToken: moe.numExpertsPerToken,
        intermediateSize: moe.intermediateSize, sharedIntermediateSize: moe.sharedExpertIntermediateSize ?? 0)
    )
  }
}
