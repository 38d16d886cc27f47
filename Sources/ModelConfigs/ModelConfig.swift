package import Tensors

/// Everything about a decoder that its `config.json` fixes: sizes, arithmetic and token ids.
///
/// A value of this type has been validated: sizes are positive and bounded, heads divide, every per-layer
/// list has `numLayers` entries. Sizes are those of the whole model; sharding is decided elsewhere.
package struct ModelConfig: Sendable, Hashable {
  package var family: ModelFamily
  /// Class name as written in the file, for messages and reports.
  package var architecture: String

  // MARK: Sizes

  package var hiddenSize: Int
  package var numLayers: Int
  package var numQueryHeads: Int
  /// Divides `numQueryHeads`.
  package var numKVHeads: Int
  /// Width of one head; often, not always, `hiddenSize / numQueryHeads`.
  package var headDim: Int
  /// Width of a dense layer's MLP; in a model whose layers are all sparse it is unused.
  package var intermediateSize: Int
  /// Rows of the embedding table; may exceed what the tokenizer knows.
  package var vocabSize: Int
  /// Positions the model was trained for.
  package var maxPositionEmbeddings: Int

  // MARK: Arithmetic

  package var rmsNormEpsilon: Double
  package var activation: Activation
  /// Rotary embedding of every layer, or of the full-attention layers where `localRope` is set.
  package var rope: RopeParameters
  /// Rotary embedding of sliding-window layers when it differs (Gemma 3).
  package var localRope: RopeParameters?
  /// The head is the embedding table.
  package var tieWordEmbeddings: Bool
  /// Query, key and value projections have biases.
  package var queryKeyValueBias: Bool
  /// The output projection of attention has a bias.
  package var outputBias: Bool
  /// Gate, up and down projections have biases.
  package var mlpBias: Bool
  /// RMS norm over each query and key head before rotation (weights of length `headDim`).
  package var queryKeyNorm: Bool
  /// Per layer: how many positions a query sees, itself included, or nil for all.
  package var slidingWindows: [Int?]
  /// Factor on attention scores; `headDim ^ -0.5` unless the family says otherwise.
  package var attentionScale: Double
  /// Attention scores become `c * tanh(score / c)`.
  package var attentionSoftcap: Double?
  /// Logits become `c * tanh(logit / c)`.
  package var logitSoftcap: Double?
  /// Added to every norm weight before use: 0, or 1 (Gemma).
  package var normWeightOffset: Double
  /// Norms also stand after attention and after the MLP, before the residual sum (Gemma).
  package var sandwichNorms: Bool
  /// Factor on embedding rows; 1 unless the family says otherwise.
  package var embeddingScale: Double
  /// Present when at least one layer routes to experts.
  package var moe: MoEConfig?

  // MARK: Tokens and storage

  package var bosTokenID: Int?
  /// Ids that end a sequence; of `config.json`, see `GenerationDefaults` for the file that outranks it.
  package var eosTokenIDs: [Int]
  /// Element type that the file claims for the weights; the checkpoint's own headers decide.
  package var storedDType: DType?
  /// Standard deviation of random weights.
  package var initializerRange: Double

  /// Whether `layer` routes to experts.
  package func isSparse(layer: Int) -> Bool {
    moe?.isSparse[layer] ?? false
  }

  /// Query heads that share one KV head.
  package var queryHeadsPerKVHead: Int { numQueryHeads / numKVHeads }

  /// The longest sequence that has one well-defined result; nil when any has.
  package var longestSequence: Int? { [rope, localRope].compactMap { $0?.longestSequence }.min() }

  /// The rotary embedding that `layer` uses.
  package func rope(layer: Int) -> RopeParameters {
    guard let localRope, slidingWindows[layer] != nil else { return rope }
    return localRope
  }
}

/// Activation of the gated MLP.
package enum Activation: String, Sendable, Hashable {
  /// `x * sigmoid(x)`
  case silu
  /// `0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`
  case geluTanh
}
