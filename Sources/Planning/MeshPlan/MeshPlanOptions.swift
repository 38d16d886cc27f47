package import Parsing
package import Tensors

/// What a plan assumes beside the model and the mesh.
package struct MeshPlanOptions: Sendable {
  /// How weights are packed.
  package var weightFormat = WeightFormat.bf16
  /// What matrices are rounded to; the others keep `weightFormat`.
  package var quantization = Quantization.none
  package var kvFormat = KVFormat.bf16
  /// Lanes of the original's padding rule.
  package var numLanes = 8
  package var loadFormat = "auto"
  /// Overrides that the caller gives.
  package var maxtextConfig = JSONObject()
  package var expertDispatch = ExpertDispatchChoice.auto
  /// Weight of each rank's share; empty: all alike.
  package var balance: [Double] = []
  /// Whole rows of logits are gathered for sampling, instead of candidates for greedy decoding.
  package var samples = false
  /// Sequences that each attention group decodes in a step.
  package var sequencesPerGroup = 1
  /// Tokens already in the cache of each sequence.
  package var contextLength = 512
  package var machine = MachineModel()

  package init() {}
}

/// How rows reach their experts.
package enum ExpertDispatchChoice: String, Sendable, CaseIterable {
  /// Whichever moves fewer bytes.
  case auto
  /// Only routed rows move, to the ranks that own the experts.
  case allToAll = "all-to-all"
  /// Every rank gets every row of the replica.
  case allReduce = "all-reduce"
}
