extension ShardPlan {
  /// The most layers a model may have, and the largest size of any one of its dims: products of three stay in
  /// `Int`.
  package static let maximumLayers = 4096
  package static let maximumDim = 1 << 23
  package static let maximumVocabulary = 1 << 26

  static func violations(model: ModelDimensions, shape: MeshShape) -> [String] {
    let broken = modelViolations(model)
    return broken.isEmpty ? meshViolations(model, shape) : broken
  }

  private static func modelViolations(_ model: ModelDimensions) -> [String] {
    var sentences: [String] = []
    func check(_ value: Int, _ name: String, atMost limit: Int = maximumDim, atLeast: Int = 1) {
      if (atLeast...limit).contains(value) { return }
      let sentence = "\(name) is \(value), but must be from \(atLeast) to \(limit)."
      if !sentences.contains(sentence) { sentences.append(sentence) }
    }
    check(model.hiddenSize, "The hidden size")
    check(model.vocabularySize, "The vocabulary size", atMost: maximumVocabulary)
    check(model.granule, "The granule")
    check(model.layers.count, "The number of layers", atMost: maximumLayers)
    var seen = Set<LayerDimensions>()
    for layer in model.layers where seen.insert(layer).inserted {
      let attention = layer.attention
      check(attention.numQueryHeads, "The number of query heads")
      check(attention.numKVHeads, "The number of KV heads")
      check(attention.headDim, "The head dim")
      if attention.numQueryHeads > 0, attention.numKVHeads > 0,
        attention.numQueryHeads % attention.numKVHeads != 0
      {
        sentences.append(
          "\(attention.numQueryHeads) query heads cannot share \(attention.numKVHeads) KV heads evenly: the "
            + "number of query heads must be a multiple of the number of KV heads.")
      }
      switch layer.feedForward {
      case .dense(let width):
        check(width, "The intermediate size")
      case .experts(let experts):
        check(experts.numExperts, "The number of experts")
        check(
          experts.numExpertsPerToken, "The number of experts per token", atMost: max(1, experts.numExperts))
        check(experts.intermediateSize, "The expert intermediate size")
        check(experts.sharedIntermediateSize, "The shared expert intermediate size", atLeast: 0)
      }
    }
    return sentences
  }

  private static func meshViolations(_ model: ModelDimensions, _ shape: MeshShape) -> [String] {
    var sentences: [String] = []
    let attentionRanks = shape.size(over: MeshGroup.attention.axes)
    let heads = model.layers.map(\.attention.numQueryHeads).min() ?? 1
    if attentionRanks > heads {
      let ep = min(shape.ep, heads)
      sentences.append(
        "ep \(shape.ep) x tp \(shape.tp) = \(attentionRanks) attention ranks, but there are only \(heads) "
          + "query heads and a rank needs at least one: use ep=\(ep) tp=\(heads / ep), and attn_dp, "
          + "attn_dp_expert or dp for the other ranks.")
    }
    let expertRanks = shape.size(over: MeshGroup.expert.axes)
    let experts = model.layers.compactMap { layer in
      if case .experts(let experts) = layer.feedForward { experts.numExperts } else { nil }
    }.min()
    if let experts, expertRanks > experts {
      let owners = min(shape.attnDPExpert, experts)
      sentences.append(
        "attn_dp_expert \(shape.attnDPExpert) x ep \(shape.ep) = \(expertRanks) expert ranks, but there are "
          + "only \(experts) experts and a rank needs at least one: use attn_dp_expert=\(owners) "
          + "ep=\(experts / owners), and attn_dp, tp or dp for the other ranks.")
    }
    return sentences
  }
}
