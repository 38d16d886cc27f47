package import Topology

/// One exchange between ranks in a step.
package struct PlannedCollective: Sendable, Hashable {
  package let place: Place
  /// What moves and how, for example `attention-all-reduce`.
  package let operation: String
  /// Which ranks exchange with one another.
  package let group: MeshGroup
  /// Ranks that take part.
  package let groupSize: Int
  /// Payload bytes that all ranks of a replica send for one token, on average.
  package let bytesPerToken: Double

  /// Where in the step.
  package enum Place: Sendable, Hashable {
    case embedding
    case layer(Int)
    case head
  }
}
