package import Tensors

extension TensorNames {
  /// Every tensor that the model reads, once, in the order of the computation.
  package var all: [CheckpointTensor] {
    var tensors = [embedding]
    for layer in 0..<config.numLayers { tensors += self.tensors(layer: layer) }
    tensors.append(finalNorm)
    if !config.tieWordEmbeddings { tensors.append(head) }
    return tensors
  }

  /// Every tensor of one layer.
  package func tensors(layer: Int) -> [CheckpointTensor] {
    var tensors = [
      attentionNorm(layer: layer), query(layer: layer), key(layer: layer), value(layer: layer),
    ]
    if config.queryKeyValueBias {
      tensors += [queryBias(layer: layer), keyBias(layer: layer), valueBias(layer: layer)]
    }
    if config.queryKeyNorm { tensors += [queryNorm(layer: layer), keyNorm(layer: layer)] }
    tensors.append(output(layer: layer))
    if config.outputBias { tensors.append(outputBias(layer: layer)) }
    if config.sandwichNorms { tensors.append(postAttentionNorm(layer: layer)) }
    tensors.append(mlpNorm(layer: layer))
    tensors += config.isSparse(layer: layer) ? sparse(layer) : dense(layer)
    if config.sandwichNorms { tensors.append(postMLPNorm(layer: layer)) }
    return tensors
  }

  private func dense(_ layer: Int) -> [CheckpointTensor] {
    let weights = [gate(layer: layer), up(layer: layer), down(layer: layer)]
    guard config.mlpBias else { return weights }
    return weights + [gateBias(layer: layer), upBias(layer: layer), downBias(layer: layer)]
  }

  private func sparse(_ layer: Int) -> [CheckpointTensor] {
    guard let moe = config.moe else { return [] }
    var tensors = [router(layer: layer)]
    if moe.hasSelectionBias { tensors.append(routerSelectionBias(layer: layer)) }
    for expert in 0..<moe.numExperts {
      tensors += [
        gate(layer: layer, expert: expert), up(layer: layer, expert: expert),
        down(layer: layer, expert: expert),
      ]
    }
    guard moe.sharedExpertIntermediateSize != nil else { return tensors }
    tensors += [sharedGate(layer: layer), sharedUp(layer: layer), sharedDown(layer: layer)]
    if moe.sharedExpertGate { tensors.append(sharedOutputGate(layer: layer)) }
    return tensors
  }

  /// Elements of all tensors together.
  package var parameterCount: Int {
    let kinds = [false, true].map { sparse in
      (0..<config.numLayers).filter { config.isSparse(layer: $0) == sparse }
    }
    var ends = [embedding, finalNorm]
    if !config.tieWordEmbeddings { ends.append(head) }
    // Layers of one kind are equal; naming every expert of every layer would take long.
    return kinds.reduce(elements(ends)) { sum, layers in
      sum + (layers.first.map { elements(tensors(layer: $0)) * layers.count } ?? 0)
    }
  }

  private func elements(_ tensors: [CheckpointTensor]) -> Int {
    tensors.reduce(0) { $0 + $1.rows * $1.columns }
  }

  /// A tensor of the checkpoint that the model does not read although it belongs to one of its layers, or
  /// nil.
  ///
  /// A bias, scale or adapter that the configuration does not mention would change the result if it were
  /// applied, so leaving it out silently would be wrong. Tables that can be recomputed are not counted.
  package func unread(of names: some Sequence<String>) -> String? {
    var known: Set<String> = []
    for tensor in all { known.formUnion(tensor.locations.map(\.name)) }
    let layers = prefix + "layers."
    for name in names where name.hasPrefix(layers) && !known.contains(name) {
      let index = Int(name.dropFirst(layers.utf8.count).prefix { $0 != "." }) ?? config.numLayers
      guard index < config.numLayers else { continue }
      if name.hasSuffix("rotary_emb.inv_freq") || name.hasSuffix("attn.masked_bias") { continue }
      return name
    }
    return nil
  }
}
