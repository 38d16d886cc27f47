internal import FaultDrills
internal import Foundation
internal import Launching
internal import Parsing
internal import Settings
internal import Wire

/// What drills and soaks run.
enum DrillWorkload {
  /// The same prompts every time: what is compared is the same workload with faults and without.
  static func prompts(_ requests: Int, vocabularySize: Int) -> [[TokenID]] {
    (0..<requests).map { request in
      (0..<8 + request).map { TokenID(3 + (request * 37 + $0 * 11) % (vocabularySize - 3)) }
    }
  }

  /// Every request as long as it may be, and drawn alike each time.
  static func settings(_ given: EngineSettings) -> EngineSettings {
    var settings = given
    settings.sampling.ignoreEOS = true
    settings.sampling.seed = settings.sampling.seed ?? 7
    return settings
  }

  /// Runs a plan that kills coordinators, with children of this executable that have the settings of this command.
  static func run(_ plan: FaultPlan, _ settings: EngineSettings, _ prompts: [[TokenID]]) throws
    -> DrillOutcome
  {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "drill-\(UInt32.random(in: .min ... .max))"
    ).path
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var settings = settings
    settings.output = OutputSettings()
    try Data(configuration(settings).utf8).write(to: URL(fileURLWithPath: directory + "/settings.yaml"))
    let drill = CoordinatorDrill(
      executable: try ExecutableLocation.path(), arguments: ["--config", directory + "/settings.yaml"],
      prompts: prompts, directory: directory)
    return try drill.run(plan)
  }

  /// Settings as a file for `--config`: those that are not as they come.
  private static func configuration(_ settings: EngineSettings) -> String {
    let lines = SettingsCatalogue.all.compactMap { setting -> String? in
      let texts = setting.texts(in: settings)
      guard texts != setting.defaultTexts, !texts.isEmpty else { return nil }
      let values = texts.map { text in
        switch setting.domain {
        case .text, .path, .json, .textList, .choice: JSONWriter.string(.string(text))
        default: text
        }
      }
      let value = setting.domain.isList ? "[\(values.joined(separator: ", "))]" : values[0]
      return "\(setting.key): \(value)"
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
