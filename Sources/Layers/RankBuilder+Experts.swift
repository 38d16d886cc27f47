package import Compute
package import Tensors
package import Topology

/// What the routed experts of a layer need to know beyond the rank's ranges.
package struct ExpertSettings: Sendable {
  package var numExperts: Int
  package var numChosen: Int
  package var intermediateSize: Int
  package var activation: GateActivation
  package var normalize: Bool
  package var scale: Float
  package var sigmoid: Bool
  package var numGroups: Int
  package var numGroupsChosen: Int
  package var weightFormat: WeightFormat
  /// Format of the router, whose rounding would send tokens to other experts.
  package var routerFormat: WeightFormat
  /// The expert that every row visits, if there is one.
  package var shared: MLPSettings?

  package init(
    numExperts: Int, numChosen: Int, intermediateSize: Int, activation: GateActivation, normalize: Bool,
    scale: Float, sigmoid: Bool, numGroups: Int, numGroupsChosen: Int, weightFormat: WeightFormat,
    routerFormat: WeightFormat, shared: MLPSettings?
  ) {
    self.numExperts = numExperts
    self.numChosen = numChosen
    self.intermediateSize = intermediateSize
    self.activation = activation
    self.normalize = normalize
    self.scale = scale
    self.sigmoid = sigmoid
    self.numGroups = numGroups
    self.numGroupsChosen = numGroupsChosen
    self.weightFormat = weightFormat
    self.routerFormat = routerFormat
    self.shared = shared
  }

  /// The leaves of an expert's down projection.
  package var leaves: ContractionLeaves {
    ContractionLeaves(extent: intermediateSize, granule: weightFormat.leafGranule)
  }
}

/// Tensors of one MoE layer.
package struct ExpertTensors: Sendable {
  package var router: CheckpointTensor
  package var selectionBias: CheckpointTensor?
  package var experts: [MLPTensors]
  package var shared: SharedExpertTensors?

  package init(
    router: CheckpointTensor, selectionBias: CheckpointTensor?, experts: [MLPTensors],
    shared: SharedExpertTensors?
  ) {
    self.router = router
    self.selectionBias = selectionBias
    self.experts = experts
    self.shared = shared
  }
}

/// Activations inside the experts, and the router's scores.
package struct ExpertBuffers: Sendable {
  package var scores: Region
  package var hidden: Region
  package var activated: Region
}

extension RankBuilder {
  /// Shared buffers of all MoE layers; call once, before the first one.
  package mutating func prepareExperts(_ settings: ExpertSettings) {
    if let shared = settings.shared { prepareSharedExpert(shared) }
    let mesh = geometry.mesh
    let split = geometry.plan.expertSplit(count: settings.numExperts)
    let sum = mlpSum(settings.leaves)
    let width = settings.leaves.range(ofLeaves: sum.ownLeaves).count
    let assignments = limits.gatheredRows * settings.numChosen
    let results = limits.ownRows * settings.numChosen
    needRounded(
      rows: limits.gatheredRows, columns: hiddenSize, leafWidth: hiddenSize, format: settings.weightFormat)
    needRounded(
      rows: assignments, columns: width, leafWidth: settings.leaves.width, format: settings.weightFormat)
    expertBuffers = ExpertBuffers(
      scores: workspace.take(floats: limits.ownRows * settings.numExperts),
      hidden: workspace.take(floats: assignments * 2 * width),
      activated: workspace.take(floats: assignments * width))
    places.experts = ExpertPlaces(
      numExperts: settings.numExperts, numChosen: settings.numChosen,
      experts: split.range(of: mesh.expertIndex(of: geometry.rank)), sum: sum,
      chosen: workspace.take(floats: limits.gatheredRows * settings.numChosen),
      weights: workspace.take(floats: limits.ownRows * settings.numChosen),
      routedRows: workspace.take(floats: limits.gatheredRows * (settings.numChosen + hiddenSize)),
      results: workspace.take(floats: sum.rootCounts[sum.ownIndex] * assignments * hiddenSize),
      resultStride: assignments * hiddenSize,
      receivedResults: workspace.take(floats: results * sum.rootCounts.reduce(0, +) * hiddenSize))
  }

  /// Router, shared expert, dispatch, grouped experts, and the way back: each row adds its slots in ascending
  /// order, the shared expert last.
  package mutating func experts(_ settings: ExpertSettings, tensors: ExpertTensors, layer: Int) {
    guard let places = places.experts, let buffers = expertBuffers else {
      preconditionFailure("expert buffers are not prepared")
    }
    route(settings, tensors: tensors, places: places, buffers: buffers)
    if let shared = settings.shared, let tensors = tensors.shared {
      sharedExpert(shared, tensors: tensors, gateFormat: settings.routerFormat)
    }
    append(.dispatch(layer: layer))
    let columns = settings.leaves.range(ofLeaves: places.sum.ownLeaves)
    if !columns.isEmpty && !places.experts.isEmpty {
      var op = expertsOp(settings, tensors: tensors, places: places, buffers: buffers, columns: columns)
      op.input = inputs(of: op.gateUp, from: op.input, rows: .routed)
      append(.expertGateUp(op))
      append(.expertActivate(op))
      op.downInput = inputs(of: op.down, from: op.activated, rows: .assigned)
      append(.expertDown(op))
    }
    append(.expertResults(layer: layer))
    append(
      .expertCombine(
        ExpertCombineOp(
          residual: self.places.residual, weights: places.weights, width: hiddenSize,
          numChosen: settings.numChosen, shared: tensors.shared == nil ? nil : self.places.sum,
          sharedGate: tensors.shared?.outputGate == nil ? nil : sharedBuffers?.gate)))
  }

  private mutating func route(
    _ settings: ExpertSettings, tensors: ExpertTensors, places: ExpertPlaces, buffers: ExpertBuffers
  ) {
    let router = weights.matrix(
      [WeightPiece(tensors.router, rows: 0..<settings.numExperts)], format: settings.routerFormat)
    let bias = tensors.selectionBias.map { vector($0) }
    append(
      .matmul(
        MatmulOp(
          weight: router, input: self.places.normed, output: buffers.scores,
          outputStride: settings.numExperts,
          rows: .own)))
    append(
      .route(
        RouterOp(
          logits: buffers.scores, numExperts: settings.numExperts, numChosen: settings.numChosen,
          normalize: settings.normalize, scale: settings.scale, sigmoid: settings.sigmoid,
          selectionBias: bias,
          numGroups: settings.numGroups, numGroupsChosen: settings.numGroupsChosen, chosen: places.chosen,
          weights: places.weights)))
  }

  private mutating func expertsOp(
    _ settings: ExpertSettings, tensors: ExpertTensors, places: ExpertPlaces, buffers: ExpertBuffers,
    columns: Range<Int>
  ) -> ExpertsOp {
    let gateUps = places.experts.map { expert in
      let expert = tensors.experts[expert]
      return weights.matrix(
        [WeightPiece(expert.gate, rows: columns), WeightPiece(expert.up, rows: columns)],
        format: settings.weightFormat)
    }
    let downs = places.experts.map { expert in
      weights.matrix(
        [WeightPiece(tensors.experts[expert].down, columns: columns)], format: settings.weightFormat,
        leafWidth: settings.leaves.width)
    }
    func stride(_ matrices: [PackedMatrix]) -> Int {
      matrices.count > 1 ? matrices[1].region.byteOffset - matrices[0].region.byteOffset : 0
    }
    return ExpertsOp(
      hiddenSize: hiddenSize, width: columns.count, firstExpert: places.experts.lowerBound,
      expertCount: places.experts.count, gateUp: gateUps[0], gateUpStride: stride(gateUps), down: downs[0],
      downStride: stride(downs), leaves: schedule(places.sum, leafWidth: settings.leaves.width),
      activation: settings.activation, input: self.places.normed, hidden: buffers.hidden,
      activated: buffers.activated, downInput: buffers.activated, roots: places.results,
      rootStride: places.resultStride)
  }
}
