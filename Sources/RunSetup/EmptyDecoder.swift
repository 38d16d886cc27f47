internal import Parsing
package import Settings
package import Topology

/// A decoder that has next to no weights: what a run takes beside its work shows on it, and workers start in no time.
package enum EmptyDecoder {
  package static let layers = 16
  /// Longest sequence.
  package static let positions = 200

  /// Each layer reads 28 KiB.
  private static var configuration: JSONValue {
    [
      "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 32,
      "num_hidden_layers": .integer(Int64(layers)), "num_attention_heads": 4, "num_key_value_heads": 4,
      "head_dim": 16, "intermediate_size": 64, "vocab_size": 256, "max_position_embeddings": 256,
      "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "torch_dtype": "bfloat16", "hidden_act": "silu",
      "tie_word_embeddings": false,
    ]
  }

  /// It on another mesh, launched as `settings` say; nothing else of them counts.
  package static func setup(_ settings: EngineSettings, on shape: MeshShape) throws(SetupError) -> RunSetup {
    var plain = EngineSettings()
    plain.launch = settings.launch
    plain.output = settings.output
    plain.model.loadFormat = .dummy
    plain.scheduler.maxModelLen = positions
    plain.mesh.dataParallelSize = shape.dp
    plain.mesh.attnDPSize = shape.attnDP
    plain.mesh.attnDPExpertSize = shape.attnDPExpert
    plain.mesh.expertParallelSize = shape.ep
    plain.mesh.tensorParallelSize = shape.tp
    return try RunSetup(settings: plain, configuration: configuration, named: "the decoder without weights")
  }
}
