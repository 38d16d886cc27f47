/// The groups that everyone asks for, each with the axes on which its ranks differ (major first: the order of
/// shares).
package enum MeshGroup: String, CaseIterable, Sendable {
  /// Ranks that hold the heads of the same tokens, in rank order; also the shares of the vocabulary.
  case attention
  /// The same ranks in the order of their query heads: share `t * ep + e`.
  case head
  /// Ranks that own different tokens of one replica and the same shares of heads: tokens are gathered over
  /// it.
  case token
  /// Tokens are gathered over it for the dense MLP (the attention groups that share MLP widths).
  case mlpToken = "mlp_token"
  /// The shares of a dense MLP's width, and of each expert's width.
  case mlp
  /// The shares of the experts.
  case expert
  /// All ranks of one replica of the model.
  case replica
  /// All ranks.
  case world

  package var axes: [MeshAxis] {
    switch self {
    case .attention: [.expert, .model]
    case .head: [.model, .expert]
    case .token: [.attnDP, .attnDPExpert]
    case .mlpToken: [.attnDP]
    case .mlp: [.attnDP, .model]
    case .expert: [.attnDPExpert, .expert]
    case .replica: [.attnDP, .attnDPExpert, .expert, .model]
    case .world: [.data, .attnDP, .attnDPExpert, .expert, .model]
    }
  }
}

extension Mesh {
  package func group(_ kind: MeshGroup, of rank: Int) -> RankGroup { group(of: rank, over: kind.axes) }

  package func groups(_ kind: MeshGroup) -> [RankGroup] { groups(over: kind.axes) }

  package func attentionGroup(of rank: Int) -> RankGroup { group(.attention, of: rank) }
  package func headGroup(of rank: Int) -> RankGroup { group(.head, of: rank) }
  package func tokenGroup(of rank: Int) -> RankGroup { group(.token, of: rank) }
  package func mlpTokenGroup(of rank: Int) -> RankGroup { group(.mlpToken, of: rank) }
  package func mlpGroup(of rank: Int) -> RankGroup { group(.mlp, of: rank) }
  package func expertGroup(of rank: Int) -> RankGroup { group(.expert, of: rank) }
  package func replicaGroup(of rank: Int) -> RankGroup { group(.replica, of: rank) }
  package func worldGroup(of rank: Int) -> RankGroup { group(.world, of: rank) }

  /// Ranks per attention group: the shares of the heads.
  package var attentionRanks: Int { shape.size(over: MeshGroup.attention.axes) }
  /// Attention groups per replica: the owners of tokens.
  package var tokenOwners: Int { shape.size(over: MeshGroup.token.axes) }
  /// Shares of a dense MLP's width, and of each expert's width.
  package var mlpRanks: Int { shape.size(over: MeshGroup.mlp.axes) }
  /// Shares of the experts.
  package var expertRanks: Int { shape.size(over: MeshGroup.expert.axes) }

  /// The chunk of query heads of `rank` within its attention group: `t * ep + e`, which is not its rank order
  /// there.
  package func attentionIndex(of rank: Int) -> Int { index(of: rank, over: MeshGroup.head.axes) }
  /// The chunk of the vocabulary of `rank` within its attention group: `e * tp + t`.
  package func vocabularyIndex(of rank: Int) -> Int { index(of: rank, over: MeshGroup.attention.axes) }
  /// The chunk of MLP and expert widths of `rank`: `a * tp + t`.
  package func mlpIndex(of rank: Int) -> Int { index(of: rank, over: MeshGroup.mlp.axes) }
  /// The chunk of experts of `rank`: `x * ep + e`.
  package func expertIndex(of rank: Int) -> Int { index(of: rank, over: MeshGroup.expert.axes) }
  /// Which attention group of its replica `rank` is in: `a * attn_dp_expert + x`.
  package func tokenIndex(of rank: Int) -> Int { index(of: rank, over: MeshGroup.token.axes) }
}
