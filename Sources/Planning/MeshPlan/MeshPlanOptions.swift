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

/// A machine for the predicted step time: a roofline of memory and arithmetic, and a constant and a rate for
/// exchanges.
package struct MachineModel: Sendable, Hashable {
  /// Ranks that share one host's memory and links; nil when all do.
  package var ranksPerHost: Int?
  /// Cores of one host, when more ranks than that share it: an exchange then waits for their turns. Nil:
  /// enough.
  package var coresPerHost: Int?
  /// Read bandwidth of one host's memory.
  package var memoryBytesPerSecond = 30e9
  /// Multiply-adds of one host.
  package var multiplyAddsPerSecond = 100e9
  /// One exchange of a small message, from call to return.
  package var exchangeSeconds = 60e-6
  /// Bytes that the ranks of one host hand to one another.
  package var localBytesPerSecond = 2e9
  /// Bytes that one host puts on its links to other hosts.
  package var linkBytesPerSecond = 2e9
  /// What a message between hosts takes longer than one inside a host, there and back.
  package var remoteRoundTripSeconds = 0.0

  package init() {}
}
