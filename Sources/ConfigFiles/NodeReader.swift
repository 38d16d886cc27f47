internal import Foundation
internal import Settings
internal import Yams

/// Turns the nodes of a YAML document into texts for settings, counting nodes so that aliases cannot explode.
struct NodeReader {
  let path: String
  private var nodes = 0

  init(path: String) { self.path = path }

  mutating func entries(of mapping: Node.Mapping) throws(SettingsError) -> [ConfigFile.Entry] {
    var entries: [ConfigFile.Entry] = []
    for (keyNode, value) in mapping {
      let line = keyNode.mark?.line ?? 1
      guard let name = keyNode.scalar?.string else {
        throw refusal(line, "a key must be a plain word")
      }
      guard let setting = SettingsCatalogue.setting(spelled: name) else {
        throw refusal(line, "there is no setting '\(name)'" + hint(name))
      }
      guard !entries.contains(where: { $0.key == setting.key }) else {
        throw refusal(line, "'\(setting.key)' is set twice")
      }
      guard value.null == nil else { continue }
      entries.append(.init(key: setting.key, texts: try texts(of: value, setting, line), line: line))
    }
    return entries
  }

  private mutating func texts(
    of value: Node, _ setting: Setting, _ line: Int
  ) throws(SettingsError) -> [String] {
    switch value {
    case .scalar(let scalar):
      return [scalar.string]
    case .sequence(let sequence) where setting.domain.isList:
      var texts: [String] = []
      for node in sequence {
        guard let scalar = node.scalar else {
          throw refusal(line, "'\(setting.key)' takes a plain list of values")
        }
        try count(line)
        texts.append(scalar.string)
      }
      return texts
    case .mapping where setting.domain == .json:
      return [try json(value, line, depth: 0)]
    default:
      throw refusal(line, "'\(setting.key)' takes \(setting.domain.allowed), not a nested value")
    }
  }

  /// A YAML tree as JSON text, for settings whose value is a JSON object.
  private mutating func json(_ node: Node, _ line: Int, depth: Int) throws(SettingsError) -> String {
    try count(line)
    guard depth < 32 else { throw refusal(line, "the value is nested deeper than 32 levels") }
    switch node {
    case .mapping(let mapping):
      var members: [String] = []
      for (key, value) in mapping {
        guard let name = key.scalar?.string else { throw refusal(line, "a key must be a plain word") }
        members.append(quoted(name) + ": " + (try json(value, line, depth: depth + 1)))
      }
      return "{" + members.joined(separator: ", ") + "}"
    case .sequence(let sequence):
      var items: [String] = []
      for item in sequence { items.append(try json(item, line, depth: depth + 1)) }
      return "[" + items.joined(separator: ", ") + "]"
    case .scalar(let scalar):
      if node.null != nil { return "null" }
      if let bool = node.bool { return bool ? "true" : "false" }
      if let integer = node.int { return "\(integer)" }
      if let number = node.float, number.isFinite { return "\(number)" }
      return quoted(scalar.string)
    default:
      throw refusal(line, "an alias points nowhere")
    }
  }

  private mutating func count(_ line: Int) throws(SettingsError) {
    nodes += 1
    guard nodes <= ConfigFile.maxNodes else {
      throw refusal(line, "the file holds more than \(ConfigFile.maxNodes) values")
    }
  }

  private func refusal(_ line: Int, _ what: String) -> SettingsError {
    SettingsError("--config \(path), line \(line): \(what)\(what.hasSuffix("?") ? "" : ".")")
  }

  private func hint(_ name: String) -> String {
    let names = SettingsCatalogue.all.flatMap { [$0.key] + $0.aliases.map { $0.replacing("-", with: "_") } }
    if let near = nearest(to: name.replacing("-", with: "_"), among: names) {
      return "; did you mean '\(near)'?"
    }
    return "; configs/base.yaml lists all of them"
  }
}

/// A JSON string literal of `text`.
private func quoted(_ text: String) -> String {
  var literal = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": literal += "\\\""
    case "\\": literal += "\\\\"
    case "\u{0}"..<"\u{20}":
      let hex = String(scalar.value, radix: 16)
      literal += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    default: literal.unicodeScalars.append(scalar)
    }
  }
  return literal + "\""
}
