internal import Foundation
internal import Launching
internal import Settings
internal import Tokenization

/// The small trained model that comes with the executable and runs when no `--model` is given.
enum BundledModel {
  private static let name = "tiny-qwen3-moe"
  private static let bundle = "meshdecode_meshdecode.resources"

  /// Its directory: beside the executable (links resolved, so that a link or a copy with its resources will do),
  /// under `../share/meshdecode`, or where `$MESHDECODE_RESOURCES` says.
  static func directory() throws -> String {
    let executable = URL(fileURLWithPath: try ExecutableLocation.path()).deletingLastPathComponent()
    var places = [
      executable.appendingPathComponent(bundle),
      executable.deletingLastPathComponent().appendingPathComponent("share/meshdecode"),
    ]
    if let place = ProcessInfo.processInfo.environment["MESHDECODE_RESOURCES"], !place.isEmpty {
      places.insert(URL(fileURLWithPath: place), at: 0)
    }
    for place in places.map({ $0.appendingPathComponent(name).path })
    where FileManager.default.fileExists(atPath: place + "/config.json") {
      return place
    }
    throw CommandFailure(
      .failedWhileRunning,
      "the bundled model is not beside the executable (looked for \(bundle)/\(name) in \(executable.path)); "
        + "copy \(bundle) there, set MESHDECODE_RESOURCES, or give --model DIR")
  }

  /// The tokenizer of the model that the settings name; nil when its directory has none.
  static func tokenizer(of settings: EngineSettings) throws -> Tokenizer? {
    let directory = try modelDirectory(of: settings)
    guard FileManager.default.fileExists(atPath: directory + "/tokenizer.json") else {
      if FileManager.default.fileExists(atPath: directory + "/config.json") { return nil }
      throw CommandFailure(
        .failedWhileRunning,
        "\(directory)/config.json does not exist; give --model the directory of a Hugging Face checkpoint.")
    }
    return try Tokenizer(directory: directory)
  }
}
