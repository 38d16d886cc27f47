/// The rows that one attention group computes in a step, with vLLM's metadata of them.
///
/// Keys and values of the step's tokens are written into the blocks before anything attends to them, so a
/// block table covers the sequence with this step's tokens included. Prefill chunks and decode rows may stand
/// in any order.
public struct StepInput: Sendable, Hashable {
  /// [T]
  public var tokenIDs: [Int32]
  /// [T] position of each token in its sequence; those of one sequence ascend by one up to its length.
  public var positions: [Int32]
  /// [S] blocks of each sequence, the first positions first; unused entries at the end are ignored.
  public var blockTables: [[Int32]]
  /// [S] length of each sequence, this step's tokens included; 0 for an unused place.
  public var sequenceLengths: [Int32]
  /// [S + 1] where each sequence's tokens begin.
  public var queryStarts: [Int32]

  public init(
    tokenIDs: [Int32], positions: [Int32], blockTables: [[Int32]], sequenceLengths: [Int32],
    queryStarts: [Int32]
  ) {
    self.tokenIDs = tokenIDs
    self.positions = positions
    self.blockTables = blockTables
    self.sequenceLengths = sequenceLengths
    self.queryStarts = queryStarts
  }

  /// A group without rows: its ranks still take part in the step.
  public static let empty = StepInput(
    tokenIDs: [], positions: [], blockTables: [], sequenceLengths: [], queryStarts: [0])
}

/// What a step is asked for beside the hidden states.
public struct StepRequest: Sendable, Hashable {
  /// Layers whose input is returned as well: 0 is the embedding, i the output of layer i - 1. Needs
  /// `DecoderConfiguration.keepsAuxiliaryHiddenStates`.
  public var auxiliaryLayers: [Int]
  /// Whether the experts that each row chose are returned.
  public var expertIndices: Bool

  public init(auxiliaryLayers: [Int] = [], expertIndices: Bool = false) {
    self.auxiliaryLayers = auxiliaryLayers
    self.expertIndices = expertIndices
  }
}

/// What one attention group's rows became; rows as in the input.
public struct StepOutput: Sendable, Hashable {
  /// [T, D] after the last layer, BEFORE the final norm; `CausalDecoder.logits` applies it.
  public var hidden: RowMatrix
  /// [T, D] for each of `auxiliaryLayers`, in their order.
  public var auxiliary: [RowMatrix]
  /// By layer of the model that routes: `[T][k]` experts, in the order of their slots. Empty unless asked
  /// for.
  public var expertIndices: [Int: [[Int32]]]
}
