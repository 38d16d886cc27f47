package import Tensors

/// Names and shapes of a model's tensors as Hugging Face checkpoints spell them.
///
/// Shape letters: V vocab, D hidden, N query heads, K KV heads, H head dim, F intermediate, E experts.
package struct TensorNames: Sendable {
  package let config: ModelConfig
  /// What stands before `layers.0...`; ends with a dot unless empty.
  package let prefix: String
  /// The same for the head, which stands outside the base model.
  let headPrefix: String

  /// - Parameter contains: whether the checkpoint has a tensor of that name. It decides between the plain spelling
  ///   (`model.`) and those of text models inside a larger one or saved without their head.
  package init(_ config: ModelConfig, contains: (String) -> Bool = { _ in true }) {
    self.config = config
    let spellings = [
      ("model.", ""), ("language_model.model.", "language_model."), ("model.language_model.", ""), ("", ""),
    ]
    let found = spellings.first { contains($0.0 + "layers.0.input_layernorm.weight") } ?? spellings[0]
    (prefix, headPrefix) = found
  }

  // MARK: Ends

  /// [V, D]. Where head and embedding are tied, a checkpoint may have kept either name.
  package var embedding: CheckpointTensor {
    let shape = [config.vocabSize, config.hiddenSize]
    let name = prefix + "embed_tokens.weight"
    guard config.tieWordEmbeddings else { return CheckpointTensor(name, shape: shape) }
    return CheckpointTensor(name, headPrefix + "lm_head.weight", shape: shape)
  }

  /// [V, D]; the embedding when tied.
  package var head: CheckpointTensor {
    guard !config.tieWordEmbeddings else { return embedding }
    return CheckpointTensor(
      headPrefix + "lm_head.weight", shape: [config.vocabSize, config.hiddenSize])
  }

  /// [D]
  package var finalNorm: CheckpointTensor {
    CheckpointTensor(prefix + "norm.weight", shape: [config.hiddenSize])
  }

  // MARK: Norms, all [D]

  /// Before attention.
  package func attentionNorm(layer: Int) -> CheckpointTensor { norm(layer, "input_layernorm") }

  /// After attention, before the residual sum; only with `sandwichNorms`.
  package func postAttentionNorm(layer: Int) -> CheckpointTensor { norm(layer, "post_attention_layernorm") }

  /// Before the MLP or the experts.
  package func mlpNorm(layer: Int) -> CheckpointTensor {
    norm(layer, config.sandwichNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm")
  }

  /// After the MLP, before the residual sum; only with `sandwichNorms`.
  package func postMLPNorm(layer: Int) -> CheckpointTensor { norm(layer, "post_feedforward_layernorm") }

  // MARK: Attention

  /// [N * H, D]
  package func query(layer: Int) -> CheckpointTensor {
    attention(layer, "q_proj.weight", [queryWidth, config.hiddenSize])
  }
  /// [K * H, D]
  package func key(layer: Int) -> CheckpointTensor {
    attention(layer, "k_proj.weight", [kvWidth, config.hiddenSize])
  }
  /// [K * H, D]
  package func value(layer: Int) -> CheckpointTensor {
    attention(layer, "v_proj.weight", [kvWidth, config.hiddenSize])
  }
  /// [D, N * H]
  package func output(layer: Int) -> CheckpointTensor {
    attention(layer, "o_proj.weight", [config.hiddenSize, queryWidth])
  }
  /// [N * H]; only with `queryKeyValueBias`, as the next two.
  package func queryBias(layer: Int) -> CheckpointTensor { attention(layer, "q_proj.bias", [queryWidth]) }
  package func keyBias(layer: Int) -> CheckpointTensor { attention(layer, "k_proj.bias", [kvWidth]) }
  package func valueBias(layer: Int) -> CheckpointTensor { attention(layer, "v_proj.bias", [kvWidth]) }
  /// [D]; only with `outputBias`.
  package func outputBias(layer: Int) -> CheckpointTensor {
    attention(layer, "o_proj.bias", [config.hiddenSize])
  }
  /// [H]; only with `queryKeyNorm`.
  package func queryNorm(layer: Int) -> CheckpointTensor {
    attention(layer, "q_norm.weight", [config.headDim])
  }
  package func keyNorm(layer: Int) -> CheckpointTensor { attention(layer, "k_norm.weight", [config.headDim]) }

  // MARK: Dense MLP

  /// [F, D]
  package func gate(layer: Int) -> CheckpointTensor { mlp(layer, "gate_proj") }
  /// [F, D]
  package func up(layer: Int) -> CheckpointTensor { mlp(layer, "up_proj") }
  /// [D, F]
  package func down(layer: Int) -> CheckpointTensor { mlp(layer, "down_proj") }
  /// [F]; only with `mlpBias`, as the next two.
  package func gateBias(layer: Int) -> CheckpointTensor { mlpBias(layer, "gate_proj") }
  package func upBias(layer: Int) -> CheckpointTensor { mlpBias(layer, "up_proj") }
  /// [D]
  package func downBias(layer: Int) -> CheckpointTensor { mlpBias(layer, "down_proj") }

  // MARK: Spelling

  func layerPrefix(_ layer: Int) -> String { "\(prefix)layers.\(layer)." }

  private var queryWidth: Int { config.numQueryHeads * config.headDim }
  private var kvWidth: Int { config.numKVHeads * config.headDim }

  private func norm(_ layer: Int, _ name: String) -> CheckpointTensor {
    CheckpointTensor("\(layerPrefix(layer))\(name).weight", shape: [config.hiddenSize])
  }

  private func attention(_ layer: Int, _ name: String, _ shape: [Int]) -> CheckpointTensor {
    CheckpointTensor("\(layerPrefix(layer))self_attn.\(name)", shape: shape)
  }

  private func mlp(_ layer: Int, _ name: String) -> CheckpointTensor {
    let (hidden, width) = (config.hiddenSize, config.intermediateSize)
    return CheckpointTensor(
      "\(layerPrefix(layer))mlp.\(name).weight",
      shape: name == "down_proj" ? [hidden, width] : [width, hidden])
  }

  private func mlpBias(_ layer: Int, _ name: String) -> CheckpointTensor {
    CheckpointTensor(
      "\(layerPrefix(layer))mlp.\(name).bias",
      shape: [name == "down_proj" ? config.hiddenSize : config.intermediateSize])
  }
}
