internal import ArgumentParser
internal import ConfigFiles
internal import Settings

/// A group of flags that carry settings; each flag is text here and parsed by its `Setting`.
protocol SettingOptions: ParsableArguments {
  /// Key and texts of every flag that was given.
  var given: [(key: String, texts: [String])] { get }
}

/// The file of settings, the lowest layer above the defaults.
struct ConfigOptions: ParsableArguments {
  @Option(
    name: .customLong("config"), parsing: .unconditional,
    help: ArgumentHelp("A YAML file of settings; flags on the command line win.", valueName: "file"))
  var path: String?
}

/// Defaults, then the file of `--config`, then the flags, in this order; checked together.
///
/// Throws: `SettingsError`, one sentence for the first value that cannot be taken, or all broken joint rules.
func resolve(_ config: ConfigOptions, _ groups: [any SettingOptions]) throws -> EngineSettings {
  var settings = EngineSettings()
  if let path = config.path { try ConfigFile(path: path).apply(to: &settings) }
  for group in groups {
    for (key, texts) in group.given where !texts.isEmpty {
      try SettingsCatalogue.setting(key)?.apply(texts, to: &settings)
    }
  }
  settings.takeImplications()
  let violations = settings.violations()
  guard violations.isEmpty else { throw SettingsError(violations.joined(separator: " ")) }
  return settings
}

/// One flag that was perhaps given, as `given` wants it.
func flag(_ key: String, _ text: String?) -> (key: String, texts: [String]) {
  (key, text.map { [$0] } ?? [])
}
