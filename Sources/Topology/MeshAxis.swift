/// One axis of the mesh, in rank order: the last one, `model`, varies fastest.
package enum MeshAxis: String, CaseIterable, Sendable, Hashable {
  /// Replicas of the whole model that share nothing.
  case data
  /// Attention data parallelism: groups with sequences of their own; MLP widths are split over it.
  case attnDP = "attn_dp"
  /// Attention data parallelism over which experts are split instead of MLP widths.
  case attnDPExpert = "attn_dp_expert"
  /// Expert parallelism; attention heads are split over it too.
  case expert
  /// Tensor parallelism.
  case model

  /// The name of the axis' degree on the command line and in JSON.
  package var degreeName: String {
    switch self {
    case .data: "dp"
    case .attnDP: "attn_dp"
    case .attnDPExpert: "attn_dp_expert"
    case .expert: "ep"
    case .model: "tp"
    }
  }
}
