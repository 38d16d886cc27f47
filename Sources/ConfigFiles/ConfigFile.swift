package import Settings
internal import Foundation
internal import Yams

/// A YAML file of settings: one mapping from the keys of `SettingsCatalogue` to values.
///
/// Bounded (64 KiB, 10 000 nodes after aliases are expanded) and checked whole: an unknown key, a nested
/// value where none belongs or a value out of range is refused with file and line.
package struct ConfigFile: Sendable {
  package static let maxBytes = 64 << 10
  static let maxNodes = 10_000

  /// The settings in the order of the file.
  package let entries: [Entry]
  package let path: String

  /// One `key: value` of the file; a list has several texts.
  package struct Entry: Sendable, Equatable {
    package let key: String
    package let texts: [String]
    package let line: Int
  }

  /// Reads and checks `path`.
  ///
  /// Throws: `SettingsError` naming the file, the line and what to do.
  package init(path: String) throws(SettingsError) {
    let bytes: Data
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      bytes = try handle.read(upToCount: Self.maxBytes + 1) ?? Data()
    } catch {
      throw SettingsError("--config \(path) cannot be read; give a YAML file that exists and is readable.")
    }
    guard bytes.count <= Self.maxBytes else {
      throw SettingsError("--config \(path) is larger than \(Self.maxBytes) bytes; settings need far less.")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SettingsError("--config \(path) is not UTF-8; save it as UTF-8 text.")
    }
    try self.init(text: text, path: path)
  }

  /// Reads and checks `text`; `path` only names it in errors.
  package init(text: String, path: String) throws(SettingsError) {
    self.path = path
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      throw SettingsError("--config \(path) is not YAML: \(Self.sentence(error)).")
    }
    guard let root, root != Node("") else {
      entries = []
      return
    }
    guard let mapping = root.mapping else {
      throw SettingsError(
        "--config \(path) must be one mapping of keys to values, such as 'tensor_parallel_size: 2'.")
    }
    var reader = NodeReader(path: path)
    entries = try reader.entries(of: mapping)
  }

  /// Lays the file over `settings`.
  package func apply(to settings: inout EngineSettings) throws(SettingsError) {
    for entry in entries {
      guard let setting = SettingsCatalogue.setting(entry.key) else { continue }
      do {
        try setting.apply(entry.texts, to: &settings)
      } catch {
        throw SettingsError("\(path), line \(entry.line): \(error)")
      }
    }
  }

  /// The parser's complaint on one line, without its picture of the text.
  private static func sentence(_ error: any Error) -> String {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "line \(mark.line): \(problem)"
    case .reader(let problem, _, _, _): problem
    case .duplicatedKeysInMapping(let keys, _): "\(keys.sorted().joined(separator: ", ")) is set twice"
    default: "it cannot be read"
    }
  }
}
