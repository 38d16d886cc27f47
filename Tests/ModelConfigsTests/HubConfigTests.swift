import ModelConfigs
import Parsing
import Tensors
import Testing

@Test("Llama files from the first to 3.2 are read")
func llamaFiles() throws {
  let first = try ModelConfig(json: HubConfigs.parse(HubConfigs.llama1))
  #expect(first.architecture == "LLaMAForCausalLM")
  #expect(first.numKVHeads == 32 && first.headDim == 128 && first.maxPositionEmbeddings == 2048)
  #expect(first.rope == RopeParameters(theta: 10_000) && first.storedDType == .f16)
  #expect(first.bosTokenID == 0 && first.eosTokenIDs == [1] && !first.tieWordEmbeddings)

  let second = try ModelConfig(json: HubConfigs.parse(HubConfigs.llama2))
  #expect(second.numKVHeads == 8 && second.queryHeadsPerKVHead == 8 && second.rmsNormEpsilon == 1e-5)

  let third = try ModelConfig(json: HubConfigs.parse(HubConfigs.llama31))
  #expect(
    third.rope.scaling
      == .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxPositions: 8192))
  #expect(third.eosTokenIDs == [128001, 128008, 128009] && third.rope.theta == 500_000)
  #expect(TensorNames(third).parameterCount == 8_030_261_248)

  let small = try ModelConfig(json: HubConfigs.parse(HubConfigs.llama32))
  #expect(small.tieWordEmbeddings && small.headDim == 64)
  #expect(TensorNames(small).parameterCount == 1_235_814_400)

  let tiny = try ModelConfig(json: HubConfigs.parse(HubConfigs.tinyLlama))
  #expect(TensorNames(tiny).parameterCount == 1_100_048_384)
}

@Test("Mistral: a window on every layer, none where it is null, 4096 where it is left out")
func mistralFiles() throws {
  let windowed = try ModelConfig(json: HubConfigs.parse(HubConfigs.mistral))
  #expect(windowed.slidingWindows == Array(repeating: 4096, count: 32))
  let silent = try ModelConfig(json: changed(HubConfigs.mistral, [("sliding_window", nil)]))
  #expect(silent.slidingWindows == Array(repeating: 4096, count: 32))
  let nemo = try ModelConfig(json: HubConfigs.parse(HubConfigs.mistralNemo))
  #expect(nemo.slidingWindows == Array(repeating: nil, count: 40))
  #expect(nemo.headDim == 128 && nemo.hiddenSize == 5120)
}

@Test("Mixtral: every layer sparse, weights scored among the chosen")
func mixtralFile() throws {
  let config = try ModelConfig(json: HubConfigs.parse(HubConfigs.mixtral))
  let moe = try #require(config.moe)
  #expect(moe.numExperts == 8 && moe.numExpertsPerToken == 2 && moe.intermediateSize == 14336)
  #expect(moe.scoresAfterSelection && moe.normalizeTopK && moe.scoring == .softmax)
  #expect(moe.isSparse == Array(repeating: true, count: 32))
  #expect(TensorNames(config).parameterCount == 46_702_792_704)
}

@Test("Qwen 2.5, 3 and the coder variant with its extra fields")
func qwenFiles() throws {
  let two = try ModelConfig(json: HubConfigs.parse(HubConfigs.qwen25))
  #expect(two.queryKeyValueBias && !two.outputBias && !two.queryKeyNorm)
  #expect(two.slidingWindows == Array(repeating: nil, count: 24))
  #expect(TensorNames(two).parameterCount == 494_032_768)

  let three = try ModelConfig(json: HubConfigs.parse(HubConfigs.qwen3))
  #expect(three.queryKeyNorm && three.headDim == 128 && !three.queryKeyValueBias)
  #expect(TensorNames(three).parameterCount == 596_049_920)

  let coder = try ModelConfig(json: HubConfigs.parse(HubConfigs.qwen3Coder))
  #expect(coder.moe?.numExperts == 128 && coder.moe?.normalizeTopK == true)
  #expect(coder.moe?.sharedExpertIntermediateSize == nil)
  #expect(TensorNames(coder).parameterCount == 30_532_122_624)
}

@Test("windows of the upper layers, and layer_types where written")
func upperWindows() throws {
  let switched = try ModelConfig(
    json: changed(HubConfigs.qwen25, [("use_sliding_window", true), ("sliding_window", 128)]))
  #expect(switched.slidingWindows == (0..<24).map { $0 >= 21 ? 128 : nil })
  let types = JSONValue.array((0..<24).map { .string($0 % 2 == 0 ? "sliding_attention" : "full_attention") })
  let listed = try ModelConfig(
    json: changed(
      HubConfigs.qwen25, [("use_sliding_window", true), ("sliding_window", 128), ("layer_types", types)]))
  #expect(listed.slidingWindows == (0..<24).map { $0 % 2 == 0 ? 128 : nil })
}

@Test("a nested text_config is the model; token ids may stand outside")
func nestedTextConfig() throws {
  let text = try changed(
    HubConfigs.mistral, [("architectures", nil), ("eos_token_id", nil), ("torch_dtype", nil)])
  let outer: JSONValue = [
    "architectures": ["Mistral3ForConditionalGeneration"], "model_type": "mistral3",
    "text_config": text, "vision_config": ["hidden_size": 1024], "image_token_index": 10, "eos_token_id": 7,
    "dtype": "bfloat16", "multimodal_projector_bias": true,
  ]
  let config = try ModelConfig(json: outer)
  #expect(config.family == .mistral && config.hiddenSize == 4096)
  #expect(config.eosTokenIDs == [7] && config.storedDType == .bf16)
}

@Test("the newer style says the same as the older one")
func newerStyle() throws {
  let old = try ModelConfig(json: HubConfigs.parse(HubConfigs.llama31))
  let parameters: JSONValue = [
    "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192, "rope_type": "llama3",
  ]
  let new = try ModelConfig(
    json: changed(
      HubConfigs.llama31,
      [
        ("rope_scaling", nil), ("rope_theta", nil), ("torch_dtype", nil), ("dtype", "bfloat16"),
        ("rope_parameters", parameters),
      ]))
  #expect(new == old)
}

@Test("generation_config.json outranks the end-of-sequence ids")
func generationDefaults() throws {
  let config = try ModelConfig(json: HubConfigs.parse(HubConfigs.qwen3))
  let text =
    #"{"do_sample": true, "eos_token_id": [5, 6], "temperature": 0.6, "top_k": 20, "top_p": 0.95, "x": 1}"#
  let defaults = try GenerationDefaults(json: JSONReader.parse(text))
  #expect(defaults.eosTokenIDs(for: config) == [5, 6])
  #expect(defaults.topK == 20 && defaults.topP == 0.95 && defaults.doSample == true)
  #expect(GenerationDefaults().eosTokenIDs(for: config) == [151645])
}

@Test("shared experts, sigmoid routers and dense layers before the sparse ones")
func sharedExpertFiles() throws {
  let qwen = try ModelConfig(json: HubConfigs.parse(HubConfigs.qwen15MoE))
  let gated = try #require(qwen.moe)
  #expect(gated.numExperts == 60 && gated.sharedExpertIntermediateSize == 5632 && gated.sharedExpertGate)
  #expect(gated.scoring == .softmax && !gated.normalizeTopK && qwen.queryKeyValueBias && !qwen.outputBias)
  #expect(TensorNames(qwen).parameterCount == 14_315_784_192)
  let windowed = try ModelConfig(
    json: changed(HubConfigs.qwen15MoE, [("use_sliding_window", true), ("max_window_layers", 4)]))
  #expect(windowed.slidingWindows.prefix(6) == [32768, nil, 32768, nil, nil, nil])

  let glm = try ModelConfig(json: HubConfigs.parse(HubConfigs.glm45Air))
  let grouped = try #require(glm.moe)
  #expect(
    grouped.scoring == .sigmoid && grouped.hasSelectionBias && grouped.sharedExpertIntermediateSize == 1408)
  #expect(grouped.isSparse.prefix(2) == [false, true] && !grouped.sharedExpertGate && !glm.queryKeyNorm)
  #expect(glm.rope.rotaryDim(headDim: glm.headDim) == 64 && glm.queryKeyValueBias && !glm.outputBias)

  let dots = try ModelConfig(json: HubConfigs.parse(HubConfigs.dotsLLM1))
  let shared = try #require(dots.moe)
  #expect(shared.sharedExpertIntermediateSize == 2816 && shared.routedScalingFactor == 2.5)
  #expect(dots.queryKeyNorm && dots.slidingWindows.allSatisfy { $0 == nil } && dots.headDim == 128)
}

@Test("routers that cannot be are refused")
func impossibleRouters() throws {
  for (members, words) in [
    ([("n_group", 3)], "n_group is 3"), ([("n_group", 128)], "groups of at least 2"),
    ([("n_group", 4), ("topk_group", 5)], "topk_group is 5"),
    ([("n_group", 32), ("topk_group", 1)], "have only 4 experts"),
    ([("moe_layer_freq", 2)], "moe_layer_freq is 2"),
    ([("scoring_func", "softmax")], "scoring_func"),
    ([("num_experts_per_tok", 129)], "at most the 128 experts"),
  ] as [([(String, JSONValue)], String)] {
    #expect {
      try ModelConfig(json: changed(HubConfigs.glm45Air, members))
    } throws: {
      "\($0)".contains(words)
    }
  }
}
