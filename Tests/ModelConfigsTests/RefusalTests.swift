import ModelConfigs
import Parsing
import Testing

struct Refusal: Sendable, CustomTestStringConvertible {
  var text: String
  var changes: [(String, JSONValue?)]
  /// Words that the sentence must contain.
  var words: [String]

  var testDescription: String { words.joined(separator: " ") }

  init(_ text: String, _ changes: [(String, JSONValue?)], _ words: String...) {
    self.text = text
    self.changes = changes
    self.words = words
  }

  static let sizes: [Refusal] = [
    Refusal(HubConfigs.llama31, [("hidden_size", nil)], "no hidden_size"),
    Refusal(HubConfigs.llama31, [("hidden_size", 0)], "hidden_size is 0"),
    Refusal(HubConfigs.llama31, [("hidden_size", -4096)], "hidden_size is -4096", "from 1 to"),
    Refusal(HubConfigs.llama31, [("hidden_size", 4096.5)], "hidden_size is 4096.5"),
    Refusal(HubConfigs.llama31, [("hidden_size", "4096")], "hidden_size is \"4096\""),
    Refusal(
      HubConfigs.llama31, [("hidden_size", 9_000_000_000_000_000_000)], "hidden_size is 9000000000000000000"),
    Refusal(HubConfigs.llama31, [("hidden_size", 1e300)], "hidden_size is 1e+300"),
    Refusal(HubConfigs.llama31, [("num_hidden_layers", 0)], "num_hidden_layers is 0"),
    Refusal(HubConfigs.llama31, [("vocab_size", -1)], "vocab_size is -1"),
    Refusal(HubConfigs.llama31, [("num_key_value_heads", 5)], "32 is not a multiple", "5"),
    Refusal(HubConfigs.llama31, [("num_key_value_heads", 0)], "num_key_value_heads is 0"),
    Refusal(HubConfigs.llama31, [("num_attention_heads", 24)], "hidden_size 4096", "24 attention heads"),
    Refusal(HubConfigs.llama31, [("head_dim", 7)], "head_dim 7", "even"),
    Refusal(HubConfigs.llama31, [("rms_norm_eps", -1e-5)], "rms_norm_eps is -1e-05"),
    Refusal(HubConfigs.llama31, [("rope_theta", 0)], "rope_theta is 0"),
    Refusal(HubConfigs.llama31, [("eos_token_id", -7)], "eos_token_id is -7"),
    Refusal(HubConfigs.llama31, [("eos_token_id", ["a"])], "eos_token_id is [\"a\"]"),
    Refusal(HubConfigs.mixtral, [("num_experts_per_tok", 9)], "num_experts_per_tok is 9", "8 experts"),
    Refusal(HubConfigs.mixtral, [("num_local_experts", 0)], "num_local_experts is 0"),
    Refusal(HubConfigs.mixtral, [("num_experts", 16)], "num_local_experts is 8 but num_experts is 16"),
    Refusal(HubConfigs.qwen3Coder, [("moe_intermediate_size", nil)], "no moe_intermediate_size"),
    Refusal(HubConfigs.qwen3Coder, [("decoder_sparse_step", 0)], "decoder_sparse_step is 0"),
    Refusal(
      HubConfigs.qwen3Coder,
      [("num_experts", 16384), ("moe_intermediate_size", 4_000_000), ("hidden_size", 262144)],
      "parameters", "at most"),
  ]

  static let meanings: [Refusal] = [
    Refusal(
      HubConfigs.llama31, [("architectures", ["GraniteForCausalLM"])], "GraniteForCausalLM",
      "LlamaForCausalLM"),
    Refusal(HubConfigs.llama31, [("architectures", nil), ("model_type", "gpt_oss")], "gpt_oss"),
    Refusal(
      HubConfigs.llama31, [("architectures", nil), ("model_type", nil)],
      "neither architectures nor model_type"),
    Refusal(HubConfigs.llama31, [("model_type", "mistral")], "must agree"),
    Refusal(HubConfigs.llama31, [("residual_multiplier", 0.22)], "residual_multiplier", "0.22", "not known"),
    Refusal(HubConfigs.llama31, [("final_logit_softcapping", 30)], "final_logit_softcapping"),
    Refusal(HubConfigs.llama31, [("sliding_window", 4096)], "sliding_window"),
    Refusal(
      HubConfigs.qwen3Coder, [("shared_expert_intermediate_size", 512)], "shared_expert_intermediate_size"),
    Refusal(HubConfigs.qwen3Coder, [("use_qk_norm", false)], "use_qk_norm is false"),
    Refusal(HubConfigs.llama31, [("hidden_act", "gelu")], "hidden_act is \"gelu\"", "silu"),
    Refusal(HubConfigs.llama31, [("torch_dtype", "float8_e4m3fn")], "float8_e4m3fn", "bfloat16"),
    Refusal(
      HubConfigs.llama31, [("quantization_config", ["quant_method": "gptq", "bits": 4])], "gptq", "quantized"),
    Refusal(HubConfigs.llama31, [("attention_bias", "yes")], "attention_bias is \"yes\"", "true or false"),
    Refusal(
      HubConfigs.llama31, [("rope_scaling", ["rope_type": "longrope", "factor": 4])], "rope_scaling",
      "longrope"),
    Refusal(HubConfigs.llama31, [("rope_scaling", ["rope_type": "linear"])], "no factor"),
    Refusal(HubConfigs.llama31, [("rope_scaling", ["rope_type": "yarn", "factor": -2])], "factor is -2"),
    Refusal(
      HubConfigs.llama31, [("rope_scaling", ["rope_type": "yarn", "factor": 2, "ramp": 3])], "\"ramp\"",
      "yarn"),
    Refusal(
      HubConfigs.llama31,
      [("rope_scaling", ["rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4])],
      "low_freq_factor"),
    Refusal(HubConfigs.llama31, [("rope_scaling", [1, 2])], "rope_scaling is [1, 2]", "an object"),
    Refusal(HubConfigs.llama31, [("partial_rotary_factor", 1.5)], "partial_rotary_factor is 1.5"),
    Refusal(
      HubConfigs.qwen25, [("use_sliding_window", true), ("layer_types", ["full_attention"])],
      "layer_types has 1"),
  ]
}

@Test(
  "what cannot be used is refused in one sentence that names it", arguments: Refusal.sizes + Refusal.meanings)
func refusal(_ refusal: Refusal) throws {
  let json = try changed(refusal.text, refusal.changes)
  let error = #expect(throws: ModelConfigError.self) { try ModelConfig(json: json) }
  let message = error?.message ?? ""
  for word in refusal.words { #expect(message.contains(word), "\(message)") }
  #expect(!message.contains("\n") && message.hasPrefix("config.json"))
}

@Test("a config that is no object is refused", arguments: [JSONValue.null, [], "x", 3])
func notAnObject(_ json: JSONValue) {
  #expect(throws: ModelConfigError.self) { try ModelConfig(json: json) }
}

@Test("unknown fields that switch nothing on are accepted")
func harmlessUnknowns() throws {
  let json = try changed(
    HubConfigs.llama31,
    [
      ("new_switch", false), ("new_number", 0), ("new_list", []), ("new_object", [:]), ("new_null", .null),
      ("_private", 3), ("max_length", 20),
    ])
  let plain = try ModelConfig(json: HubConfigs.parse(HubConfigs.llama31))
  #expect(try ModelConfig(json: json) == plain)
}
