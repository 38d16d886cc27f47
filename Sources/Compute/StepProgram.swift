/// What the main thread does between two operations while the team waits.
package enum SyncPoint: Sendable, BitwiseCopyable {
  /// Ranks of the attention group swap the embedding rows that they looked up.
  case embeddings
  /// Everyone gets everybody's roots of a row-parallel sum.
  case sum(SumKind)
  /// Rows of the other attention groups that share this rank's dense MLP arrive.
  case gatherRows
  /// The same for a shared expert; where routed experts take all rows of the replica anyway, all of them
  /// arrive here.
  case gatherSharedRows
  /// Routed rows leave for, and arrive from, the other token groups; assignments are sorted by expert.
  case dispatch(layer: Int)
  /// Expert results travel back to the owners of the tokens.
  case expertResults(layer: Int)
  /// Logits or candidates go to the first rank of the attention group.
  case logits
}

/// One element of the flat list that a step walks.
package enum ProgramStep: Sendable, BitwiseCopyable {
  case op(Op)
  case sync(SyncPoint)
}

/// The forward pass of one rank: a flat list of operations and synchronisation points, built once per model
/// and mesh.
///
/// The form follows distributed-llama's executor: all threads walk the list in lock-step, so a step needs no
/// closure, class or allocation.
package struct StepProgram: Sendable {
  package var steps: [ProgramStep]

  package init(steps: [ProgramStep]) { self.steps = steps }
}
