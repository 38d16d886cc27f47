/// The decoder families whose arithmetic is known.
///
/// Raw values are the `model_type` of their `config.json`.
package enum ModelFamily: String, Sendable, Hashable, CaseIterable {
  case llama
  case mistral
  case qwen2
  case qwen3
  case qwen3MoE = "qwen3_moe"
  case qwen2MoE = "qwen2_moe"
  case mixtral
  case glm4MoE = "glm4_moe"
  case dots1
  case gemma3Text = "gemma3_text"

  /// Class names in `architectures` that mean this family; the first is the usual one.
  package var architectures: [String] {
    switch self {
    case .llama: ["LlamaForCausalLM", "LLaMAForCausalLM"]
    case .mistral: ["MistralForCausalLM"]
    case .qwen2: ["Qwen2ForCausalLM"]
    case .qwen3: ["Qwen3ForCausalLM"]
    case .qwen3MoE: ["Qwen3MoeForCausalLM"]
    case .qwen2MoE: ["Qwen2MoeForCausalLM"]
    case .mixtral: ["MixtralForCausalLM"]
    case .glm4MoE: ["Glm4MoeForCausalLM"]
    case .dots1: ["Dots1ForCausalLM"]
    case .gemma3Text: ["Gemma3ForCausalLM"]
    }
  }

  /// The family of a class name, or nil when no family has it.
  package static func named(architecture: String) -> ModelFamily? {
    allCases.first { $0.architectures.contains(architecture) }
  }

  /// The usual class names of all families, for messages.
  package static var supportedArchitectures: String {
    allCases.map { $0.architectures[0] }.joined(separator: ", ")
  }
}
