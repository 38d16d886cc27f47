import Foundation
import ModelConfigs
import Parsing
import Tensors
import Testing

/// The reference models of the golden tests.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "GoldenTests/Fixtures")

func fixtureConfig(_ path: String) throws -> ModelConfig {
  let data = try Data(contentsOf: fixtures.appending(path: path).appending(path: "config.json"))
  return try ModelConfig(json: JSONReader.parse([UInt8](data)))
}

@Test("every reference model is read and names as many parameters as its files hold")
func referenceModels() throws {
  let expected: [(String, ModelFamily, Int)] = [
    ("models/llama-gqa", .llama, 836_736), ("models/llama-tied", .llama, 443_232),
    ("models/llama-uneven", .llama, 649_760), ("models/mixtral", .mixtral, 1_322_880),
    ("models/qwen2", .qwen2, 639_536), ("models/qwen3", .qwen3, 628_384),
    ("models/qwen3-moe", .qwen3MoE, 998_240), ("models/qwen3-moe-uneven", .qwen3MoE, 580_320),
    ("models/gemma3-text", .gemma3Text, 1_119_120), ("trained/tiny-llama", .llama, 3_148_224),
  ]
  for (path, family, parameters) in expected {
    let config = try fixtureConfig(path)
    #expect(config.family == family, "\(path)")
    #expect(TensorNames(config).parameterCount == parameters, "\(path)")
    #expect(TensorNames(config).all.reduce(0) { $0 + $1.rows * $1.columns } == parameters, "\(path)")
    #expect(config.slidingWindows.count == config.numLayers)
  }
}

@Test("layer patterns of the mixture-of-experts models")
func sparsePatterns() throws {
  #expect(try fixtureConfig("models/qwen3-moe").moe?.isSparse == [true, false, true, true, true])
  #expect(try fixtureConfig("models/qwen3-moe-uneven").moe?.isSparse == [false, true, false, true])
}

@Test("Gemma 3: two rotary bases, a full layer in every third, scaled embeddings")
func gemma() throws {
  let config = try fixtureConfig("models/gemma3-text")
  #expect(config.slidingWindows == [12, 12, nil, 12, 12, nil])
  #expect(config.rope == RopeParameters(theta: 1_000_000, scaling: .linear(factor: 8)))
  #expect(config.rope(layer: 0) == RopeParameters(theta: 10_000))
  #expect(config.rope(layer: 2) == config.rope)
  #expect(config.embeddingScale == 12 && config.activation == .geluTanh && config.normWeightOffset == 1)
  #expect(abs(config.attentionScale - 1 / Double(24).squareRoot()) < 1e-15)
}

@Test("inverse frequencies of every scaling rule")
func inverseFrequencies() {
  let cases: [(RopeParameters, Int, [Double])] = [
    (
      RopeParameters(theta: 10_000), 0,
      [1.0, 0.23713737056616555, 0.02371373705661655, 0.003162277660168379, 0.0001333521432163324]
    ),
    (
      RopeParameters(
        theta: 500_000,
        scaling: .llama3(
          factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxPositions: 8192)), 0,
      [1.0, 0.12868737343265052, 0.004839421345719893, 3.428102195952591e-05, 3.7673226901739635e-07]
    ),
    (
      RopeParameters(theta: 1_000_000, scaling: yarn(truncate: true)), 0,
      [1.0, 0.1154781984689458, 0.003043117727123648, 4.445698525097307e-05, 3.84981631514873e-07]
    ),
    (
      RopeParameters(theta: 1_000_000, scaling: yarn(truncate: false)), 0,
      [1.0, 0.1154781984689458, 0.0032416347362497185, 4.445698525097307e-05, 3.84981631514873e-07]
    ),
    (
      RopeParameters(theta: 10_000, scaling: .dynamic(factor: 2, maxPositions: 2048)), 5000,
      [1.0, 0.19053571060051644, 0.013425751313612504, 0.0013179700340961334, 3.434421394706348e-05]
    ),
  ]
  for (rope, length, expected) in cases {
    let frequencies = rope.inverseFrequencies(headDim: 64, sequenceLength: length)
    #expect(frequencies.count == 32)
    for (index, value) in zip([0, 5, 13, 20, 31], expected) {
      let difference = abs(Double(frequencies[index]) - value) / value
      #expect(difference < 1e-7, "\(rope.scaling), pair \(index)")
    }
  }
  let half = RopeParameters(theta: 10_000, partialRotaryFactor: 0.5)
  #expect(half.inverseFrequencies(headDim: 64).count == 16)
  let dynamic = RopeParameters(theta: 10_000, scaling: .dynamic(factor: 2, maxPositions: 2048))
  #expect(
    dynamic.inverseFrequencies(headDim: 64, sequenceLength: 2048)
      == RopeParameters(theta: 10_000).inverseFrequencies(headDim: 64))
}

private func yarn(truncate: Bool) -> RopeScaling {
  .yarn(
    factor: 4, originalMaxPositions: 32768, betaFast: 32, betaSlow: 1, attentionFactor: 1,
    truncate: truncate)
}

@Test("YaRN's factor on cos and sin follows from the scaling unless it is written")
func yarnAttentionFactor() throws {
  func factor(_ scaling: JSONValue) throws -> Double {
    try ModelConfig(json: changed(HubConfigs.qwen3, [("rope_scaling", scaling)])).rope.attentionFactor
  }
  #expect(abs(try factor(["rope_type": "yarn", "factor": 4.0]) - 1.138629436111989) < 1e-12)
  #expect(try factor(["type": "yarn", "factor": 4.0, "attention_factor": 1.5]) == 1.5)
  #expect(try factor(["type": "yarn", "factor": 4.0, "mscale": 1.0, "mscale_all_dim": 1.0]) == 1)
}

@Test("overrides reach nested members, merge objects and replace a rotary rule whole")
func overrides() throws {
  let json = try HubConfigs.parse(HubConfigs.llama31)
  func config(_ text: String) throws -> ModelConfig {
    try ModelConfig(json: json, overrides: JSONReader.parse(text).object)
  }
  #expect(try config(#"{"num_hidden_layers": 2, "rope_scaling.factor": 4}"#).numLayers == 2)
  #expect(
    try config(#"{"rope_scaling": {"factor": 4}}"#).rope.scaling
      == .llama3(factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxPositions: 8192))
  #expect(
    try config(#"{"rope_scaling": {"rope_type": "linear", "factor": 2.0}}"#).rope.scaling
      == .linear(factor: 2))
  #expect(try config(#"{"rope_scaling": null}"#).rope.scaling == RopeScaling.none)
  #expect(throws: ModelConfigError.self) { try config(#"{"hidden_size.x": 1}"#) }
  #expect(throws: ModelConfigError.self) { try config(#"{"a..b": 1}"#) }
  #expect(throws: ModelConfigError.self) { try config(#"{"logit_scale": 0.5}"#) }
}
