internal import ArgumentParser
internal import Settings

/// What is printed.
struct OutputOptions: SettingOptions {
  @Option(name: .setting("output"), parsing: .unconditional, help: .setting("output"))
  var output: String?

  @Option(name: .setting("log_level"), parsing: .unconditional, help: .setting("log_level"))
  var logLevel: String?

  var given: [(key: String, texts: [String])] {
    [
      flag("output", output),
      flag("log_level", logLevel),
    ]
  }
}
