package import Topology

extension ModelDimensions {
  /// The plain numbers of a configuration; `granule` as the weight format asks for.
  package init(_ config: ModelConfig, granule: Int = 2) {
    let attention = AttentionDimensions(
      numQueryHeads: config.numQueryHeads, numKVHeads: config.numKVHeads, headDim: config.headDim)
    self.init(
      hiddenSize: config.hiddenSize, vocabularySize: config.vocabSize, granule: granule,
      layers: (0..<config.numLayers).map { layer in
        guard config.isSparse(layer: layer), let moe = config.moe else {
          return LayerDimensions(
            attention: attention, feedForward: .dense(intermediateSize: config.intermediateSize))
        }
        let experts = ExpertDimensions(
          numExperts: moe.numExperts, numExpertsPerToken: moe.numExpertsPerToken,
          intermediateSize: moe.intermediateSize,
          sharedIntermediateSize: moe.sharedExpertIntermediateSize ?? 0)
        return LayerDimensions(attention: attention, feedForward: .experts(experts))
      })
  }
}
