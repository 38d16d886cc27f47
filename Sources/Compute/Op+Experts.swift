package import Tensors

/// The routed experts of one layer on this rank.
package struct ExpertsOp: Sendable, BitwiseCopyable {
  package var hiddenSize: Int
  /// Local width of an expert: gate and up have `2 * width` fused rows, down contracts `width`.
  package var width: Int
  package var firstExpert: Int
  package var expertCount: Int
  package var gateUp: PackedMatrix
  /// Bytes from one local expert to the next.
  package var gateUpStride: Int
  package var down: PackedMatrix
  package var downStride: Int
  package var leaves: LeafSchedule
  package var activation: GateActivation
  package var input: Region
  package var hidden: Region
  package var activated: Region
  /// What `down` reads: `activated`, or what a `RoundOp` made of it. (`input` is what `gateUp` reads.)
  package var downInput: Region
  package var roots: Region
  package var rootStride: Int

  package init(
    hiddenSize: Int, width: Int, firstExpert: Int, expertCount: Int, gateUp: PackedMatrix,
    gateUpStride: Int, down: PackedMatrix, downStride: Int, leaves: LeafSchedule, activation: GateActivation,
    input: Region, hidden: Region, activated: Region, downInput: Region, roots: Region, rootStride: Int
  ) {
    self.hiddenSize = hiddenSize
    self.width = width
    self.firstExpert = firstExpert
    self.expertCount = expertCount
    self.gateUp = gateUp
    self.gateUpStride = gateUpStride
    self.down = down
    self.downStride = downStride
    self.leaves = leaves
    self.input = input
    self.activation = activation
    self.hidden = hidden
    self.activated = activated
    self.downInput = downInput
    self.roots = roots
    self.rootStride = rootStride
  }
}

/// Chooses experts per row: `[row][k]` ids and weights.
package struct RouterOp: Sendable, BitwiseCopyable {
  package var logits: Region
  package var numExperts: Int
  package var numChosen: Int
  package var normalize: Bool
  package var scale: Float
  /// Scores by sigmoid instead of softmax.
  package var sigmoid: Bool
  /// Added to the scores for the choice only, not to the weights.
  package var selectionBias: Region?
  package var numGroups: Int
  package var numGroupsChosen: Int
  /// `[own row][slot]` chosen experts (i32) and weights (f32), best first.
  package var chosen: Region
  package var weights: Region

  package init(
    logits: Region, numExperts: Int, numChosen: Int, normalize: Bool, scale: Float, sigmoid: Bool,
    selectionBias: Region? = nil, numGroups: Int, numGroupsChosen: Int, chosen: Region, weights: Region
  ) {
    self.sigmoid = sigmoid
    self.selectionBias = selectionBias
    self.numGroups = numGroups
    self.numGroupsChosen = numGroupsChosen
    self.chosen = chosen
    self.weights = weights
    self.logits = logits
    self.numExperts = numExperts
    self.numChosen = numChosen
    self.normalize = normalize
    self.scale = scale
  }
}

/// Adds each row's weighted expert results in slot order, then the shared expert's, and the sum to the
/// residual stream.
package struct ExpertCombineOp: Sendable, BitwiseCopyable {
  package var residual: Region
  /// `[own row][slot]` weights.
  package var weights: Region
  package var width: Int
  package var numChosen: Int
  /// `[own row][D]` of the shared expert, and `[own row]` of what its sigmoid weight is made from.
  package var shared: Region?
  package var sharedGate: Region?

  package init(
    residual: Region, weights: Region, width: Int, numChosen: Int, shared: Region?, sharedGate: Region?
  ) {
    self.shared = shared
    self.sharedGate = sharedGate
    self.residual = residual
    self.weights = weights
    self.width = width
    self.numChosen = numChosen
  }
}
