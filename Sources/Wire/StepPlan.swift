package import KVCaching

/// What one replica computes in one step: sent whole to each of its ranks, because ranks that hold no
/// sequence of a group still take part in its collectives and experts.
///
/// A rank handles its own group's part in this order: releases, admissions, chunks.
package struct StepPlan: Sendable, Hashable {
  package var epoch: Epoch
  package var step: StepNumber
  /// One entry per attention group of the replica, index = attn_dp * size(attn_dp_expert) + attn_dp_expert;
  /// an entry may be empty.
  package var groups: [GroupPlan]

  package init(epoch: Epoch, step: StepNumber, groups: [GroupPlan]) {
    self.epoch = epoch
    self.step = step
    self.groups = groups
  }

  /// The part of one attention group.
  package struct GroupPlan: Sendable, Hashable {
    /// Sequence slots to forget; a slot released here may be admitted anew in the same plan.
    package var releases: [Int32] = []
    /// Sequences that take a slot. An admission to a slot in use replaces what was there.
    package var admissions: [SequenceAdmission] = []
    /// Rows to compute, at most one chunk per slot, decode chunks (one token) in any place.
    package var chunks: [SequenceChunk] = []

    package init() {}

    /// Tokens of all chunks: the rows of this group's forward pass.
    package var numTokens: Int { chunks.reduce(0) { $0 + $1.tokens.count } }

    package var isEmpty: Bool { chunks.isEmpty && admissions.isEmpty && releases.isEmpty }
  }

  /// Rows of all groups.
  package var numTokens: Int { groups.reduce(0) { $0 + $1.numTokens } }
}

/// Binds a sequence to a slot on the ranks of its attention group.
package struct SequenceAdmission: Sendable, Hashable {
  /// 0 ..< maxSequences of the group.
  package var slot: Int32
  package var sequence: SequenceID
  package var sampling: SamplingParameters
  /// Key of the sequence's random stream, made from the request's seed and the completion's index.
  package var randomKey: UInt64
  /// Ids that cannot be drawn before `sampling.minTokens` tokens exist: stop ids and, unless ignored, the
  /// model's end-of-sequence ids.
  package var suppressedTokens: [TokenID]
  package var promptTokens: [TokenID]
  /// Tokens already emitted, after a preemption or the loss of a rank: they count for penalties and
  /// `minTokens`, and are computed again as part of the known tokens.
  package var outputTokens: [TokenID]

  package init(
    slot: Int32, sequence: SequenceID, sampling: SamplingParameters, randomKey: UInt64,
    suppressedTokens: [TokenID] = [], promptTokens: [TokenID], outputTokens: [TokenID] = []
  ) {
    self.slot = slot
    self.sequence = sequence
    self.sampling = sampling
    self.randomKey = randomKey
    self.suppressedTokens = suppressedTokens
    self.promptTokens = promptTokens
    self.outputTokens = outputTokens
  }
}

/// Consecutive tokens of one sequence that one step computes; a decode row is a chunk of one token.
package struct SequenceChunk: Sendable, Hashable {
  package var slot: Int32
  /// Position of `tokens[0]`; the keys and values of all earlier positions are in the pages.
  package var startPosition: Int32
  /// At least one.
  package var tokens: [TokenID]
  /// The token after the chunk where it is known already: the target of the last row for `scoreTargets`.
  package var nextToken: TokenID?
  /// All pages of the sequence so far, first page first, covering at least `endPosition` positions. May name
  /// another page than in the step before where two sequences turned out to hold equal pages.
  package var pageTable: [PageID]
  package var output: OutputRequest

  package init(
    slot: Int32, startPosition: Int32, tokens: [TokenID], nextToken: TokenID? = nil, pageTable: [PageID],
    output: OutputRequest
  ) {
    self.slot = slot
    self.startPosition = startPosition
    self.tokens = tokens
    self.nextToken = nextToken
    self.pageTable = pageTable
    self.output = output
  }

  /// The position after the last token; also the position of a token sampled from this chunk, which keys its
  /// draw.
  package var endPosition: Int { Int(startPosition) + tokens.count }
}

/// What a chunk is computed for, beyond its keys and values.
package struct OutputRequest: OptionSet, Sendable, Hashable, BitwiseCopyable {
  package var rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// A token drawn from the last row.
  package static let sample = OutputRequest(rawValue: 1)
  /// The whole f32 logits of the last row.
  package static let logits = OutputRequest(rawValue: 2)
  /// The log-probability of the next token for every row that has one.
  package static let scoreTargets = OutputRequest(rawValue: 4)
  /// Hidden states of every row: after the embedding, after each layer, after the final norm.
  package static let hidden = OutputRequest(rawValue: 8)
  /// Experts and weights that the routers chose for every row.
  package static let routing = OutputRequest(rawValue: 16)

  /// Hidden states of every row after the last layer, before the final norm.
  package static let lastHidden = OutputRequest(rawValue: 32)

  /// Outputs for which every row of the chunk goes through the head.
  package static let everyHeadRow: OutputRequest = [.scoreTargets, .hidden]
  /// Outputs of the last row only.
  package static let lastRow: OutputRequest = [.sample, .logits]
  /// Outputs of every row.
  package static let everyRow: OutputRequest = [.scoreTargets, .hidden, .routing, .lastHidden]
  package static let all: OutputRequest = [
    .sample, .logits, .scoreTargets, .hidden, .routing, .lastHidden,
  ]
}
