/// What one rank moved in one step, counted by its link; sent after the step when the run records its
/// exchanges.
package struct StepTrace: Sendable, Hashable {
  package var epoch: Epoch
  package var step: StepNumber
  package var rank: UInt32
  /// Rows of the rank's attention group, those that produce logits, and those whose whole logits are
  /// gathered.
  package var rows: UInt32
  package var sampledRows: UInt32
  package var wholeRows: UInt32
  /// In the order of the step; those without a message to or from this rank are left out.
  package var exchanges: [ExchangeTrace] = []
  /// One entry for each layer with experts; on ranks that report their group's results.
  package var routing: [RoutingTrace] = []

  package init(
    epoch: Epoch, step: StepNumber, rank: UInt32, rows: UInt32, sampledRows: UInt32, wholeRows: UInt32
  ) {
    self.epoch = epoch
    self.step = step
    self.rank = rank
    self.rows = rows
    self.sampledRows = sampledRows
    self.wholeRows = wholeRows
  }
}

/// One exchange of a step.
package struct ExchangeTrace: Sendable, Hashable {
  package var operation: StepOperation
  /// Layer of the model; -1 before the first and after the last.
  package var layer: Int32
  /// From the start of the step on this rank's clock, and how long it took, in nanoseconds.
  package var start: UInt64
  package var duration: UInt64
  package var sent: [Message] = []

  package init(operation: StepOperation, layer: Int32, start: UInt64, duration: UInt64) {
    self.operation = operation
    self.layer = layer
    self.start = start
    self.duration = duration
  }

  /// What went to one rank.
  package struct Message: Sendable, Hashable, BitwiseCopyable {
    package var peer: UInt32
    package var frames: UInt32
    package var payloadBytes: UInt64

    package init(peer: UInt32, frames: UInt32, payloadBytes: UInt64) {
      self.peer = peer
      self.frames = frames
      self.payloadBytes = payloadBytes
    }
  }
}

/// Which experts the rows of an attention group chose in one layer.
package struct RoutingTrace: Sendable, Hashable {
  package var layer: Int32
  /// Whether routed rows alone moved.
  package var usesAllToAll: Bool
  /// `[row][k]`
  package var experts: [Int32]

  package init(layer: Int32, usesAllToAll: Bool, experts: [Int32]) {
    self.layer = layer
    self.usesAllToAll = usesAllToAll
    self.experts = experts
  }
}

/// Why ranks exchange something.
package enum StepOperation: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
  /// Looked-up rows of the embedding.
  case embedding = 1
  /// Roots of the attention output.
  case attentionSum = 2
  /// Rows for a dense MLP or a shared expert.
  case mlpRows = 3
  /// Roots of a dense MLP.
  case mlpSum = 4
  /// Roots of shared experts.
  case sharedSum = 5
  /// All rows, for the experts of everyone.
  case expertRows = 6
  /// Rows with an expert at the receiver.
  case expertDispatch = 7
  /// Roots of expert results back to the rows' ranks.
  case expertResults = 8
  /// Candidates and logits.
  case head = 9

  /// The name in reports.
  package var name: String {
    switch self {
    case .embedding: "embedding"
    case .attentionSum: "attention-sum"
    case .mlpRows: "mlp-rows"
    case .mlpSum: "mlp-sum"
    case .sharedSum: "shared-expert-sum"
    case .expertRows: "expert-rows"
    case .expertDispatch: "expert-dispatch"
    case .expertResults: "expert-results"
    case .head: "head"
    }
  }
}
