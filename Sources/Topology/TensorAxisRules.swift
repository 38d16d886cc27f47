/// Which dim of which tensor is split over which axes: the one table from which shards are derived.
///
/// `runtime` is what the workers do. `original` is the layout of the system whose plans this project
/// reproduces; it differs where that system replicates a tensor or lays it out for its own kernels.
package struct TensorAxisRules: Sendable, Hashable {
  private var rules: [TensorName: TensorAxes]

  package subscript(_ tensor: TensorName) -> TensorAxes { rules[tensor] ?? TensorAxes([]) }

  /// The share of every dim of a tensor of `dims` elements per dim that `rank` holds.
  package func slices(of tensor: TensorName, dims: [Int], rank: Int, mesh: Mesh) -> [Range<Int>] {
    let axes = self[tensor]
    return dims.enumerated().map { index, count in
      let axes = axes[dim: index]
      return LeafSplit(count: count, parts: mesh.shape.size(over: axes))
        .range(of: mesh.index(of: rank, over: axes))
    }
  }

  /// Dims that are really split on `mesh`, ascending.
  package func shardedDims(of tensor: TensorName, mesh: Mesh) -> [Int] {
    self[tensor].sharded.map(\.dim).filter { mesh.shape.size(over: self[tensor][dim: $0]) > 1 }
  }
}

/// The axes of each split dim of one tensor; a dim that is not named is whole on every rank.
package struct TensorAxes: Sendable, Hashable {
  package struct Sharded: Sendable, Hashable {
    package let dim: Int
    /// Major axis first.
    package let axes: [MeshAxis]
  }

  /// Ascending dims.
  package let sharded: [Sharded]

  package init(_ sharded: [(dim: Int, axes: [MeshAxis])]) {
    self.sharded = sharded.map { Sharded(dim: $0.dim, axes: $0.axes) }
  }

  package subscript(dim dim: Int) -> [MeshAxis] { sharded.first { $0.dim == dim }?.axes ?? [] }
}

/// A kind of tensor and the letters of its dims: T tokens, H hidden, Q query heads, K KV heads, Hd head dim,
/// F intermediate, E experts, V vocabulary, P pages.
package enum TensorName: String, CaseIterable, Sendable {
  case embedding = "embedding[V,H]"
  case head = "lm_head[H,V]"
  case query = "q_proj[H,Q,Hd]"
  case key = "k_proj[H,K,Hd]"
  case value = "v_proj[H,K,Hd]"
  case attentionOutput = "o_proj[Q,Hd,H]"
  case norm = "norm[H]"
  case gateUp = "mlp_gate_up[H,F]"
  case down = "mlp_down[F,H]"
  case router = "moe_router[H,E]"
  case expertGateUp = "moe_w1_or_w3[E,H,F]"
  case expertDown = "moe_w2[E,F,H]"
  case hiddenRows = "act_hidden[T,1,H]"
  case gatedRows = "act_mlp_mid[T,1,F]"
  case queryRows = "act_q[T,1,Q,Hd]"
  case cache = "kv_cache[P,block,K2,pack,D]"
  case hiddenOutput = "hidden_out[T,H]"
  case logits = "logits[T,V]"
  case kernelQueryRows = "attn_q_in_kernel[T,Q,Hd]"
  case pageTables = "block_tables[T]"
  case requestCounts = "request_distribution[T]"
  /// Experts as the original's fused kernel lays them out, by experts or by widths.
  case fusedByExpert = "fused_moe_EP_w[E,H,F]"
  case fusedByWidth = "fused_moe_TP_w13[E,H,F]"

  /// The name without its dims.
  package var name: String { String(rawValue.prefix { $0 != "[" }) }

  /// The letters of the dims.
  package var dims: [String] {
    rawValue.drop { $0 != "[" }.dropFirst().dropLast().split(separator: ",").map(String.init)
  }
}

extension TensorAxisRules {
  /// How this runtime splits.
  package static let runtime: TensorAxisRules = {
    let owners: [MeshAxis] = [.data] + MeshGroup.token.axes
    let heads = MeshGroup.head.axes
    let widths = MeshGroup.mlp.axes
    let experts = MeshGroup.expert.axes
    let vocabulary = MeshGroup.attention.axes
    return TensorAxisRules(rules: [
      .embedding: TensorAxes([(0, vocabulary)]),
      .head: TensorAxes([(1, vocabulary)]),
      .query: TensorAxes([(1, heads)]),
      .key: TensorAxes([(1, heads)]),
      .value: TensorAxes([(1, heads)]),
      .attentionOutput: TensorAxes([(0, heads)]),
      .gateUp: TensorAxes([(1, widths)]),
      .down: TensorAxes([(0, widths)]),
      .expertGateUp: TensorAxes([(0, experts), (2, widths)]),
      .expertDown: TensorAxes([(0, experts), (1, widths)]),
      .hiddenRows: TensorAxes([(0, owners)]),
      .gatedRows: TensorAxes([(0, [.data, .attnDPExpert]), (2, widths)]),
      .queryRows: TensorAxes([(0, owners), (2, heads)]),
      .cache: TensorAxes([(0, owners), (2, heads)]),
      .hiddenOutput: TensorAxes([(0, owners)]),
      .logits: TensorAxes([(0, owners), (1, vocabulary)]),
      .kernelQueryRows: TensorAxes([(0, owners), (1, heads)]),
      .pageTables: TensorAxes([(0, owners)]),
      .requestCounts: TensorAxes([(0, owners)]),
    ])
  }()

  /// How the original splits: vocabulary whole on every rank, MLP rows gathered over everything, logits split
  /// over the whole replica, experts laid out anew for its fused kernel.
  package static let original: TensorAxisRules = {
    var rules = runtime.rules
    rules[.embedding] = nil
    rules[.head] = nil
    rules[.gatedRows] = TensorAxes([(2, MeshGroup.mlp.axes)])
    rules[.logits] = TensorAxes([(0, [.data]), (1, MeshGroup.replica.axes)])
    rules[.fusedByExpert] = TensorAxes([(0, MeshGroup.replica.axes)])
    rules[.fusedByWidth] = TensorAxes([(2, MeshGroup.replica.axes)])
    return TensorAxisRules(rules: rules)
  }()

  /// The original before it agreed with its kernels on the order of heads: share `e * tp + t` instead of `t *
  /// ep + e`.
  package static let earlierOriginal: TensorAxisRules = {
    var rules = original.rules
    for tensor in [TensorName.query, .key, .value, .attentionOutput, .queryRows] {
      guard let axes = rules[tensor] else { continue }
      rules[tensor] = TensorAxes(
        axes.sharded.map { ($0.dim, $0.axes == MeshGroup.head.axes ? MeshGroup.attention.axes : $0.axes) })
    }
    return TensorAxisRules(rules: rules)
  }()
}
