import Checkpoints
import Foundation
import ModelConfigs
import Parsing
import Tensors
import Testing

private func fixture(_ path: String) throws -> (ModelConfig, SafetensorsCheckpoint) {
  let directory = try CheckpointDirectory(path: fixtures.appending(path: path).path)
  return (try ModelConfig(json: directory.config), try directory.openWeights())
}

private func values(_ source: some WeightSource, _ tensor: CheckpointTensor) throws -> [Float] {
  let found = try source.resolve(tensor)
  return source.withRows(found, rows: 0..<tensor.rows, columns: 0..<tensor.columns) { block in
    (0..<block.rows).flatMap { row in (0..<block.columns).map { block.element(row, $0) } }
  }
}

@Test(
  "experts stacked in one tensor are the same experts", arguments: ["models/mixtral", "models/qwen3-moe"])
func stackedExperts(path: String) throws {
  let (config, weights) = try fixture(path)
  let moe = try #require(config.moe)
  let names = TensorNames(config, contains: weights.contains)
  let (hidden, width, layer) = (config.hiddenSize, moe.intermediateSize, 2)
  var gateUp: [Float] = []
  var down: [Float] = []
  for expert in 0..<moe.numExperts {
    gateUp += try values(weights, names.gate(layer: layer, expert: expert))
    gateUp += try values(weights, names.up(layer: layer, expert: expert))
    down += try values(weights, names.down(layer: layer, expert: expert))
  }
  let prefix = "model.layers.\(layer).mlp."
  let directory = try TemporaryDirectory()
  let stacked = [
    TestTensor(prefix + "experts.gate_up_proj", .bf16, [moe.numExperts, 2 * width, hidden], gateUp),
    TestTensor(prefix + "experts.down_proj", .bf16, [moe.numExperts, hidden, width], down),
    TestTensor(
      prefix + "gate.weight", .bf16, [moe.numExperts, hidden], try values(weights, names.router(layer: layer))
    ),
  ]
  let other = try SafetensorsCheckpoint.open(file: directory.write("w.safetensors", safetensors(stacked)))
  for expert in 0..<moe.numExperts {
    for tensor in [
      names.gate(layer: layer, expert: expert), names.up(layer: layer, expert: expert),
      names.down(layer: layer, expert: expert),
    ] {
      #expect(try values(other, tensor) == values(weights, tensor), "expert \(expert), \(tensor.name)")
    }
  }
  #expect(try values(other, names.router(layer: layer)) == values(weights, names.router(layer: layer)))
  #expect(names.unread(of: other.names) == nil)
}

@Test("the text part of a larger model is found under its longer names")
func prefixes() throws {
  let (config, _) = try fixture("models/llama-uneven")
  for prefix in ["model.", "language_model.model.", "model.language_model.", ""] {
    let first = prefix + "layers.0.input_layernorm.weight"
    let names = TensorNames(config) { $0 == first }
    #expect(names.prefix == prefix && names.attentionNorm(layer: 0).name == first)
    let head = prefix == "language_model.model." ? "language_model.lm_head.weight" : "lm_head.weight"
    #expect(names.head.name == head)
  }
}

@Test("a tensor of a layer that nobody reads is pointed out; tables and further layers are not")
func unreadTensors() throws {
  let (config, weights) = try fixture("models/qwen3")
  let names = TensorNames(config, contains: weights.contains)
  let all = Array(weights.names)
  #expect(names.unread(of: all) == nil)
  let bias = "model.layers.1.self_attn.o_proj.bias"
  #expect(names.unread(of: all + [bias]) == bias)
  #expect(names.unread(of: all + ["model.layers.0.self_attn.rotary_emb.inv_freq"]) == nil)
  #expect(names.unread(of: all + ["model.layers.4.eh_proj.weight", "vision.patch.weight"]) == nil)
}
