internal import ArgumentParser
internal import Settings

/// How many ranks along each axis.
struct MeshOptions: SettingOptions {
  @Option(
    name: .setting("tensor_parallel_size"), parsing: .unconditional,
    help: .setting("tensor_parallel_size"))
  var tensorParallelSize: String?

  @Option(
    name: .setting("expert_parallel_size"), parsing: .unconditional,
    help: .setting("expert_parallel_size"))
  var expertParallelSize: String?

  @Option(name: .setting("attn_dp_size"), parsing: .unconditional, help: .setting("attn_dp_size"))
  var attnDPSize: String?

  @Option(
    name: .setting("attn_dp_expert_size"), parsing: .unconditional,
    help: .setting("attn_dp_expert_size"))
  var attnDPExpertSize: String?

  @Option(name: .setting("data_parallel_size"), parsing: .unconditional, help: .setting("data_parallel_size"))
  var dataParallelSize: String?

  @Option(name: .setting("balance"), parsing: .unconditional, help: .setting("balance"))
  var balance: String?

  @Option(name: .setting("additional_config"), parsing: .unconditional, help: .setting("additional_config"))
  var additionalConfig: String?

  var given: [(key: String, texts: [String])] {
    [
      flag("tensor_parallel_size", tensorParallelSize),
      flag("expert_parallel_size", expertParallelSize),
      flag("attn_dp_size", attnDPSize),
      flag("attn_dp_expert_size", attnDPExpertSize),
      flag("data_parallel_size", dataParallelSize),
      flag("balance", balance),
      flag("additional_config", additionalConfig),
    ]
  }
}
