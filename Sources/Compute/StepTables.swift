package import Tensors

/// The largest step that a worker must be able to run; every table and buffer is sized from these once.
package struct StepLimits: Sendable, Hashable {
  /// Rows of the own attention group.
  package var ownRows: Int
  /// Rows of all groups whose tokens can be gathered here.
  package var gatheredRows: Int
  /// Rows that can produce logits.
  package var sampledRows: Int
  /// Page references of all sequences of a step.
  package var pageReferences: Int
  /// Experts chosen per token; 0 in a dense model.
  package var chosenExperts: Int
  /// Experts that this rank holds.
  package var localExperts: Int
  /// Ranks that hold a slice of the same expert.
  package var expertSlices: Int

  package init(
    ownRows: Int, gatheredRows: Int, sampledRows: Int, pageReferences: Int, chosenExperts: Int,
    localExperts: Int,
    expertSlices: Int
  ) {
    self.ownRows = ownRows
    self.gatheredRows = gatheredRows
    self.sampledRows = sampledRows
    self.pageReferences = pageReferences
    self.chosenExperts = chosenExperts
    self.localExperts = localExperts
    self.expertSlices = expertSlices
  }
}

/// What changes from step to step: row counts, tokens, pages, and where partial sums lie.
///
/// The main thread fills it from a step plan; all threads read it while they walk the program.
package final class StepTables {
  /// Rows of the own attention group, of the dense MLP (own rows first) and of the logits.
  package var ownRows = 0
  package var mlpRows = 0

  /// Per own row: its token, position, and place in the KV pool (`page * pageSlots + slot`).
  package var tokens: Table<Int32>
  package var positions: Table<Int32>
  package var kvSlots: Table<Int32>
  /// Own rows of chunk i are `chunkStarts[i] ..< chunkStarts[i + 1]`; its pages start at
  /// `pages[pageStarts[i]]`.
  package var chunkStarts: Table<Int32>
  package var pageStarts: Table<Int32>
  package var pages: Table<Int32>

  /// Rows of this rank's vocabulary slice to look up, in row order, and for each own row the place (in floats
  /// from the start of the workspace) where its embedding was staged.
  package var embeddedTokens: Table<Int32>
  package var embeddingSource: Table<Int>

  /// Own rows that produce logits.
  package var sampledRows: Table<Int32>

  package var attentionSum: SumTables
  package var mlpSum: SumTables
  package var sharedSum: SumTables
  package var experts: ExpertTables

  /// First float of the copies of the residual stream `[index][row][width]`, when this step keeps them.
  package var captureRegion: Region?
  /// Rows of one copy.
  package var captureRows = 0

  package init(limits: StepLimits) {
    tokens = Table(capacity: limits.ownRows)
    positions = Table(capacity: limits.ownRows)
    kvSlots = Table(capacity: limits.ownRows)
    chunkStarts = Table(capacity: limits.ownRows + 1)
    pageStarts = Table(capacity: limits.ownRows)
    pages = Table(capacity: limits.pageReferences)
    embeddedTokens = Table(capacity: limits.ownRows)
    embeddingSource = Table(capacity: limits.ownRows)
    sampledRows = Table(capacity: limits.sampledRows)
    attentionSum = SumTables()
    mlpSum = SumTables()
    sharedSum = SumTables()
    experts = ExpertTables(limits: limits)
  }

  /// Rows of a row space in this step.
  func rowCount(_ space: RowSpace) -> Int {
    switch space {
    case .own: ownRows
    case .routed: experts.routedRows
    case .assigned: experts.starts.count > 0 ? Int(experts.starts[experts.starts.count - 1]) : 0
    case .mlp: mlpRows
    case .sampled: sampledRows.count
    }
  }
}

/// Where the roots of a row-parallel sum lie, in tree order, and how they are added.
package struct SumTables: ~Copyable {
  /// Roots of any tree that this runtime builds: 64 query heads as leaves on uneven ranks stay far below.
  package static let maxRoots = 512

  /// Floats from the start of the workspace to row 0 of each root.
  package var places: Table<Int>
  /// Additions after each root is pushed.
  package var completion: Table<UInt8>

  init() {
    places = Table(capacity: Self.maxRoots)
    completion = Table(capacity: Self.maxRoots)
  }
}

/// The routed rows of one MoE layer: refilled by the main thread between routing and the experts.
package struct ExpertTables: ~Copyable {
  /// Input row of each assignment, sorted by expert; `starts[e] ..< starts[e + 1]` belong to local expert e.
  package var rowOfAssignment: Table<Int32>
  /// Rows that `rowOfAssignment` may name.
  package var routedRows = 0
  package var starts: Table<Int32>
  /// For own row t, slot s, slice i at `(t * k + s) * slices + i`: floats from the start of the workspace to
  /// root 0.
  package var resultPlaces: Table<Int>
  /// Distance between the roots of the same result, in floats.
  package var resultStrides: Table<Int>
  /// Roots of each slice in slice order, and the additions after each root of all slices.
  package var rootsOfSlice: Table<Int32>
  package var completion: Table<UInt8>

  init(limits: StepLimits) {
    let assignments = max(limits.gatheredRows * limits.chosenExperts, 1)
    rowOfAssignment = Table(capacity: assignments)
    starts = Table(capacity: limits.localExperts + 1)
    let results = max(limits.ownRows * limits.chosenExperts * limits.expertSlices, 1)
    resultPlaces = Table(capacity: results)
    resultStrides = Table(capacity: results)
    rootsOfSlice = Table(capacity: max(limits.expertSlices, 1))
    completion = Table(capacity: SumTables.maxRoots)
  }
}
