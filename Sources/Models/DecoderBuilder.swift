internal import Layers
package import ModelConfigs
package import Tensors
package import Topology

internal import Compute

/// Lays out one rank's part of a decoder: which slices it loads, which buffers it needs, which operations it
/// runs.
///
/// Pure: the same configuration, mesh and limits give the same program, whoever asks (worker, plan, tests).
package struct DecoderBuilder {
  private let config: ModelConfig
  private let limits: RunLimits
  /// Format of tensors that are never rounded (embedding, router), of attention and MLP matrices, and of the
  /// head.
  private let plainFormat: WeightFormat
  private let format: WeightFormat
  private let headFormat: WeightFormat
  private let names: TensorNames
  private var builder: RankBuilder
  private var ropeTables: [RankProgram.RopeTable] = []

  private init(
    config: ModelConfig, names: TensorNames, plan: ShardPlan, rank: Int, limits: RunLimits,
    storedDType: DType, quantization: Quantization
  ) {
    self.config = config
    self.limits = limits
    plainFormat = WeightFormat(keeping: storedDType)
    format = quantization.matrices(plainFormat)
    headFormat = quantization.head(plainFormat)
    self.names = names
    let geometry = RankGeometry(plan: plan, rank: rank)
    let groups = plan.mesh.tokenOwners
    let stepLimits = StepLimits(
      ownRows: limits.maxBatchedTokens, gatheredRows: limits.maxBatchedTokens * groups,
      sampledRows: limits.scoresRows
        ? limits.maxBatchedTokens : min(limits.maxSequences, limits.maxBatchedTokens),
      pageReferences: limits.maxSequences * limits.pagesPerSequence,
      chosenExperts: config.moe?.numExpertsPerToken ?? 0, localExperts: config.moe?.numExperts ?? 0,
      expertSlices: plan.mesh.mlpRanks)
    builder = RankBuilder(
      geometry: geometry, limits: stepLimits, hiddenSize: config.hiddenSize,
      epsilon: Float(config.rmsNormEpsilon),
      normOffset: Float(config.normWeightOffset))
  }

  /// The program of `rank`.
  package static func build(
    names: TensorNames, plan: ShardPlan, rank: Int, limits: RunLimits, storedDType: DType,
    quantization: Quantization = .none
  ) -> RankProgram {
    var decoder = DecoderBuilder(
      config: names.config, names: names, plan: plan, rank: rank, limits: limits, storedDType: storedDType,
      quantization: quantization)
    decoder.prepare()
    decoder.builder.embedding(decoder.ends)
    for layer in 0..<names.config.numLayers { decoder.layer(layer) }
    decoder.builder.capture()
    decoder.builder.head(decoder.ends)
    return decoder.finished()
  }

  private var activation: GateActivation { config.activation == .silu ? .silu : .geluTanh }

  private var ends: EndSettings {
    EndSettings(
      vocabularySize: config.vocabSize, tied: config.tieWordEmbeddings,
      embeddingScale: Float(config.embeddingScale),
      logitSoftcap: Float(config.logitSoftcap ?? 0), embeddingFormat: plainFormat,
      headFormat: headFormat, embedding: names.embedding,
      finalNorm: names.finalNorm, head: names.head)
  }

  private var attentionSettings: AttentionSettings {
    AttentionSettings(
      headDim: config.headDim, numQueryHeads: config.numQueryHeads, numKVHeads: config.numKVHeads,
      ropeDim: config.rope.rotaryDim(headDim: config.headDim), scale: Float(config.attentionScale),
      softcap: Float(config.attentionSoftcap ?? 0), pageSlots: limits.pageSlots, numPages: limits.numPages,
      kvFormat: limits.kvFormat, weightFormat: format)
  }

  private var mlpSettings: MLPSettings {
    MLPSettings(
      intermediateSize: config.intermediateSize, activation: activation, weightFormat: format)
  }

  private func expertSettings(_ moe: MoEConfig) -> ExpertSettings {
    ExpertSettings(
      numExperts: moe.numExperts, numChosen: moe.numExpertsPerToken, intermediateSize: moe.intermediateSize,
      activation: activation, normalize: moe.normalizeTopK || moe.scoresAfterSelection,
      scale: Float(moe.routedScalingFactor), sigmoid: moe.scoring == .sigmoid, numGroups: moe.numGroups,
      numGroupsChosen: moe.numGroupsPerToken, weightFormat: format,
      routerFormat: plainFormat,
      shared: moe.sharedExpertIntermediateSize.map {
        MLPSettings(intermediateSize: $0, activation: activation, weightFormat: format)
      })
  }

  private mutating func prepare() {
    builder.prepareAttention(attentionSettings)
    if (0..<config.numLayers).contains(where: { !config.isSparse(layer: $0) }) {
      builder.prepareMLP(mlpSettings)
    }
    if let moe = config.moe { builder.prepareExperts(expertSettings(moe)) }
    builder.prepareHead(ends)
    builder.prepareRoots()
  }

  private mutating func layer(_ layer: Int) {
    let sandwich = config.sandwichNorms
    builder.capture()
    builder.norm(names.attentionNorm(layer: layer), from: builder.places.residual, to: builder.places.normed)
    builder.attention(
      attentionSettings, tensors: attentionTensors(layer), rope: ropeTable(layer),
      window: config.slidingWindows[layer] ?? 0,
      postNorm: sandwich ? names.postAttentionNorm(layer: layer) : nil)
    builder.norm(names.mlpNorm(layer: layer), from: builder.places.residual, to: builder.places.normed)
    if let moe = config.moe, config.isSparse(layer: layer) {
      builder.experts(expertSettings(moe), tensors: expertTensors(layer, moe), layer: layer)
    } else {
      builder.denseMLP(
        mlpSettings, tensors: mlpTensors(layer), postNorm: sandwich ? names.postMLPNorm(layer: layer) : nil)
    }
  }

  private func attentionTensors(_ layer: Int) -> AttentionTensors {
    AttentionTensors(
      query: names.query(layer: layer), key: names.key(layer: layer), value: names.value(layer: layer),
      output: names.output(layer: layer),
      projectionBias: config.queryKeyValueBias
        ? [names.queryBias(layer: layer), names.keyBias(layer: layer), names.valueBias(layer: layer)] : [],
      outputBias: config.outputBias ? names.outputBias(layer: layer) : nil,
      headNorms: config.queryKeyNorm ? [names.queryNorm(layer: layer), names.keyNorm(layer: layer)] : [])
  }

  private func mlpTensors(_ layer: Int) -> MLPTensors {
    MLPTensors(
      gate: names.gate(layer: layer), up: names.up(layer: layer), down: names.down(layer: layer),
      biases: config.mlpBias
        ? [names.gateBias(layer: layer), names.upBias(layer: layer), names.downBias(layer: layer)] : [])
  }

  private func expertTensors(_ layer: Int, _ moe: MoEConfig) -> ExpertTensors {
    ExpertTensors(
      router: names.router(layer: layer),
      selectionBias: moe.hasSelectionBias ? names.routerSelectionBias(layer: layer) : nil,
      experts: (0..<moe.numExperts).map { expert in
        MLPTensors(
          gate: names.gate(layer: layer, expert: expert), up: names.up(layer: layer, expert: expert),
          down: names.down(layer: layer, expert: expert))
      }, shared: moe.sharedExpertIntermediateSize == nil ? nil : sharedTensors(layer, moe))
  }

  private func sharedTensors(_ layer: Int, _ moe: MoEConfig) -> SharedExpertTensors {
    SharedExpertTensors(
      mlp: MLPTensors(
        gate: names.sharedGate(layer: layer), up: names.sharedUp(layer: layer),
        down: names.sharedDown(layer: layer)),
      outputGate: moe.sharedExpertGate ? names.sharedOutputGate(layer: layer) : nil)
  }

  /// Layers with equal rotary parameters share one table.
  private mutating func ropeTable(_ layer: Int) -> RotaryTables {
    let parameters = config.rope(layer: layer)
    if let known = ropeTables.first(where: { $0.parameters == parameters }) { return known.tables }
    let count = limits.maxModelLength * parameters.rotaryDim(headDim: config.headDim) / 2
    let tables = RotaryTables(
      cosines: builder.weights.reserve(floats: count), sines: builder.weights.reserve(floats: count))
    ropeTables.append(
      RankProgram.RopeTable(
        parameters: parameters, headDim: config.headDim, positions: limits.maxModelLength, tables: tables))
    return tables
  }

  private mutating func finished() -> RankProgram {
    let captures =
      limits.scoresRows
      ? builder.workspace.take(
        floats: (builder.places.captureCount + 1) * limits.maxBatchedTokens * config.hiddenSize)
      : nil
    builder.places.captures = captures
    return RankProgram(
      program: StepProgram(steps: builder.steps), geometry: builder.geometry, limits: builder.limits,
      runLimits: limits, weights: builder.weights, workspaceBytes: builder.workspace.byteCount,
      kvBytes: builder.kv.byteCount,
      places: builder.places, ropeTables: ropeTables, hiddenSize: config.hiddenSize,
      vocabularySize: config.vocabSize,
      sparseLayers: (0..<config.numLayers).filter { config.isSparse(layer: $0) })
  }
}
