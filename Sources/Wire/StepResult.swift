/// What one attention group made of a step; sent by the group's first rank.
package struct StepResult: Sendable, Hashable {
  package var epoch: Epoch
  package var step: StepNumber
  /// Index of the group in the plan.
  package var group: Int32
  /// One entry per chunk that asked for a sample, in the order of the plan's chunks.
  package var sampled: [SampledToken] = []
  /// Whole tensors for `logits`, `scoreTargets`, `hidden` and `routing`.
  package var payloads: [StepPayload] = []
  /// Rows per expert of each MoE layer, layer-major; empty when not counted.
  package var expertLoad: [UInt32] = []
  package var timings = StepTimings()

  package init(epoch: Epoch, step: StepNumber, group: Int32) {
    self.epoch = epoch
    self.step = step
    self.group = group
  }

  /// Makes this an empty result, in the memory that it has.
  package mutating func begin(epoch: Epoch, step: StepNumber, group: Int32) {
    self.epoch = epoch
    self.step = step
    self.group = group
    sampled.removeAll(keepingCapacity: true)
    payloads.removeAll(keepingCapacity: true)
    expertLoad.removeAll(keepingCapacity: true)
    timings = StepTimings()
  }
}

/// A token drawn for one slot.
package struct SampledToken: Sendable, Hashable {
  package var slot: Int32
  package var token: TokenID
  /// Present when the request asked for log-probabilities.
  package var logprobs: TokenLogprobs?

  package init(slot: Int32, token: TokenID, logprobs: TokenLogprobs? = nil) {
    self.slot = slot
    self.token = token
    self.logprobs = logprobs
  }
}

/// Natural log-probabilities under the model's raw logits.
package struct TokenLogprobs: Sendable, Hashable {
  /// Of the token drawn.
  package var chosen: Float
  /// The most likely tokens, best first, the lowest id first among equals.
  package var top: [Entry]

  package init(chosen: Float, top: [Entry]) {
    self.chosen = chosen
    self.top = top
  }

  package struct Entry: Sendable, Hashable, BitwiseCopyable {
    package var token: TokenID
    package var logprob: Float

    package init(token: TokenID, logprob: Float) {
      self.token = token
      self.logprob = logprob
    }
  }
}

/// One tensor of one chunk, row-major, little-endian.
package struct StepPayload: Sendable, Hashable {
  package var slot: Int32
  package var kind: Kind
  /// Which one of several: for `hidden` 0 is the embedding; for routing the layer of the model; else 0.
  package var index: Int32
  /// Position of the first row.
  package var startPosition: Int32
  package var rows: Int32
  package var columns: Int32
  /// rows * columns elements of four bytes.
  package var bytes: [UInt8]

  package init(
    slot: Int32, kind: Kind, index: Int32 = 0, startPosition: Int32, rows: Int32, columns: Int32,
    bytes: [UInt8]
  ) {
    self.slot = slot
    self.kind = kind
    self.index = index
    self.startPosition = startPosition
    self.rows = rows
    self.columns = columns
    self.bytes = bytes
  }

  package enum Kind: UInt8, Sendable, Hashable, CaseIterable {
    /// f32, one row of the vocabulary.
    case logits = 1
    /// f32, one column: row i is log p(token i + 1 | tokens 0...i).
    case scores = 2
    /// f32.
    case hidden = 3
    /// i32, one column per chosen expert.
    case routingExperts = 4
    /// f32, one column per chosen expert.
    case routingWeights = 5
  }
}

/// Where the time of a step went on the reporting rank, in nanoseconds.
package struct StepTimings: Sendable, Hashable, BitwiseCopyable {
  /// From the plan's arrival to the result's departure.
  package var total: UInt64 = 0
  /// Waiting for and moving data of other ranks.
  package var communication: UInt64 = 0
  /// Drawing tokens.
  package var sampling: UInt64 = 0
  /// Bytes this rank sent to other ranks.
  package var bytesSent: UInt64 = 0

  package init() {}
}
