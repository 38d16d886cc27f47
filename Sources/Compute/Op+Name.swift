extension Op {
  /// The name in timelines.
  package var name: String {
    switch self {
    case .embed: "embed"
    case .placeEmbeddings: "place embeddings"
    case .norm: "norm"
    case .round: "round"
    case .matmul: "product"
    case .leafMatmul: "product by leaves"
    case .combine: "add roots"
    case .writeKeysAndValues: "write keys and values"
    case .attend: "attention"
    case .activate: "activation"
    case .add: "add"
    case .route: "route"
    case .expertGateUp: "experts gate and up"
    case .expertActivate: "experts activation"
    case .expertDown: "experts down"
    case .expertCombine: "add expert results"
    case .pickSampledRows: "pick rows"
    case .softcap: "cap logits"
    case .localMaximum: "local maximum"
    case .capture: "capture"
    }
  }
}

extension SyncPoint {
  /// The name in timelines.
  package var name: String {
    switch self {
    case .embeddings: "exchange embeddings"
    case .sum(.attention): "exchange attention roots"
    case .sum(.mlp): "exchange MLP roots"
    case .sum(.shared): "exchange shared expert roots"
    case .gatherRows: "gather rows"
    case .gatherSharedRows: "gather rows of the shared expert"
    case .dispatch: "dispatch to experts"
    case .expertResults: "return expert results"
    case .logits: "gather candidates"
    }
  }
}
