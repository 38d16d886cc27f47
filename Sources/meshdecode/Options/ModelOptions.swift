internal import ArgumentParser
internal import Settings

/// Which weights to run.
struct ModelOptions: SettingOptions {
  @Option(name: .setting("model"), parsing: .unconditional, help: .setting("model"))
  var model: String?

  @Option(name: .setting("load_format"), parsing: .unconditional, help: .setting("load_format"))
  var loadFormat: String?

  @Option(name: .setting("dtype"), parsing: .unconditional, help: .setting("dtype"))
  var dtype: String?

  @Option(
    name: [.customShort("q"), .customLong("quantization")], parsing: .unconditional,
    help: .setting("quantization"))
  var quantization: String?

  @Option(name: .setting("hf_overrides"), parsing: .unconditional, help: .setting("hf_overrides"))
  var hfOverrides: String?

  @Option(name: .setting("seed"), parsing: .unconditional, help: .setting("seed"))
  var seed: String?

  var given: [(key: String, texts: [String])] {
    [
      flag("model", model),
      flag("load_format", loadFormat),
      flag("dtype", dtype),
      flag("quantization", quantization),
      flag("hf_overrides", hfOverrides),
      flag("seed", seed),
    ]
  }
}
