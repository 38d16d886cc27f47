/// Every setting there is, in the order of help and of `configs/base.yaml`.
///
/// A flag, a YAML key, a bound or a default that is not here does not exist: option groups take their names
/// and help from it, and tests hold `configs/base.yaml` to it.
package enum SettingsCatalogue {
  package static let all: [Setting] = model + mesh + scheduler + sampling + launch + output

  private static let byKey: [String: Setting] = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })

  /// Looks a setting up by its YAML key.
  package static func setting(_ key: String) -> Setting? { byKey[key] }

  /// Looks a setting up by any spelling that a YAML file may use: the key, or an alias with underscores.
  package static func setting(spelled name: String) -> Setting? {
    byKey[name] ?? all.first { $0.aliases.contains(name.replacing("_", with: "-")) }
  }

  static let model: [Setting] = [
    .text(
      "model", \.model.directory, .path, .model,
      why: "directory of a Hugging Face checkpoint; left out, the bundled tiny model runs"),
    .choice(
      "load_format", \.model.loadFormat, .model,
      why:
        "dummy fills the shapes of config.json with seeded random weights, for tests without a checkpoint"
    ),
    .choice(
      "dtype", \.model.dtype, .model,
      why: "type in which weights are held; float32 doubles memory and traffic, auto keeps the checkpoint's"),
    .choice(
      "quantization", \.model.quantization, .model,
      why:
        "rounds matrices while loading: q8 halves and q4 quarters the bytes of a step; none keeps dtype, bf16 sets it"
    ),
    .text(
      "hf_overrides", \.model.hfOverrides, .json, .model,
      why: "laid over config.json, for instance {\"num_hidden_layers\": 2} to try a shallow model"),
    .integer(
      "seed", \.model.seed, 0...Int(Int32.max), .model,
      why: "seed of dummy weights, which are the same for every mesh"),
  ]

  static let mesh: [Setting] = [
    degree(
      "tensor_parallel_size", \.mesh.tensorParallelSize, "tp",
      why: "ranks that split heads, MLP width and vocabulary; more ranks read fewer weight bytes each"),
    degree(
      "expert_parallel_size", \.mesh.expertParallelSize, "ep",
      why: "ranks that split the experts of a mixture-of-experts model"),
    degree(
      "attn_dp_size", \.mesh.attnDPSize, "attn-dp",
      why: "attention groups that each keep the KV cache of their own sequences"),
    degree(
      "attn_dp_expert_size", \.mesh.attnDPExpertSize, "attn-dp-expert",
      why: "as attn_dp_size, over ranks that also split the experts"),
    degree(
      "data_parallel_size", \.mesh.dataParallelSize, "dp",
      why: "whole copies of the model, for throughput"),
    .text(
      "balance", \.mesh.balance, .text, .mesh,
      why:
        "sizes shards by node: measured takes the bandwidth of each, 1,2,1 gives weights by rank; results stay the same"
    ),
    .text(
      "additional_config", \.mesh.additionalConfig, .json, .mesh,
      why:
        "vLLM's form, verbatim: its sharding_strategy sets the mesh, its maxtext_config overrides the model"
    ),
  ]

  private static func degree(
    _ key: String, _ path: Place<Int>, _ alias: String, why: String
  ) -> Setting {
    .integer(key, path, 1...1024, .mesh, aliases: [alias], unit: "ranks", why: why)
  }
}
