internal import Parsing

/// The filter `tojson`: Python's `json.dumps`.
extension TemplateRenderer {
  /// `options`: ensure_ascii, indent, separators, sort_keys.
  func json(_ value: TemplateValue, options: [TemplateValue?]) throws(TemplateError) -> TemplateText {
    var writer = TemplateJSONWriter(maxBytes: limits.maxTextBytes)
    writer.ensuresASCII = options[0]?.isTrue ?? false
    switch options[1] {
    case .none, .some(.null): break
    case .some(.text(let text)): writer.indent = text.utf8
    case .some(let width):
      guard let width = width.integer else {
        throw TemplateError(.value, "can't multiply sequence by non-int of type '\(width.typeName)'")
      }
      try allocate(bytes: max(0, width))
      writer.indent = Array(repeating: 0x20, count: max(0, width))
    }
    if writer.indent != nil { writer.itemSeparator = [UInt8(ascii: ",")] }
    if let separators = options[2], !separators.isNull {
      let parts = try items(of: separators)
      guard parts.count == 2, case .text(let item) = parts[0], case .text(let key) = parts[1] else {
        throw TemplateError(.value, "separators must be two strings")
      }
      writer.itemSeparator = item.utf8
      writer.keySeparator = key.utf8
    }
    writer.sortsKeys = options[3]?.isTrue ?? false
    try writer.write(value, level: 0, renderer: self)
    try allocate(bytes: writer.bytes.count)
    return TemplateText(utf8: writer.bytes)
  }
}

private struct TemplateJSONWriter {
  private(set) var bytes: [UInt8] = []
  var ensuresASCII = false
  var indent: [UInt8]?
  var itemSeparator = Array(", ".utf8)
  var keySeparator = Array(": ".utf8)
  var sortsKeys = false
  private let maxBytes: Int

  init(maxBytes: Int) { self.maxBytes = maxBytes }

  mutating func write(_ value: TemplateValue, level: Int, renderer: TemplateRenderer) throws(TemplateError) {
    guard bytes.count <= maxBytes else {
      throw TemplateError(.limit, "JSON of a value is longer than the \(maxBytes) bytes allowed")
    }
    try renderer.step()
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .int(let value): append(String(value))
    case .float(let value): append(JSONWriter.pythonNotation(value))
    case .text(let text): write(text)
    case .list(let sequence), .tuple(let sequence): try write(sequence.items, level, renderer)
    case .dict(let mapping): try write(mapping, level, renderer)
    default:
      throw TemplateError(.value, "Object of type \(value.typeName) is not JSON serializable")
    }
  }

  private mutating func append(_ text: String) { bytes += Array(text.utf8) }

  private mutating func newLine(_ level: Int) {
    guard let indent else { return }
    bytes.append(0x0A)
    for _ in 0..<level { bytes += indent }
  }

  private mutating func write(_ items: [TemplateValue], _ level: Int, _ renderer: TemplateRenderer)
    throws(TemplateError)
  {
    if items.isEmpty { return append("[]") }
    append("[")
    for (index, item) in items.enumerated() {
      if index > 0 { bytes += itemSeparator }
      newLine(level + 1)
      try write(item, level: level + 1, renderer: renderer)
    }
    newLine(level)
    append("]")
  }

  private mutating func write(_ mapping: TemplateMapping, _ level: Int, _ renderer: TemplateRenderer)
    throws(TemplateError)
  {
    if mapping.count == 0 { return append("{}") }
    var order = Array(0..<mapping.count)
    if sortsKeys {
      let sorted = try renderer.sorted(order.map { .int($0) }, by: mapping.keys, descending: false)
      order = sorted.compactMap(\.integer)
    }
    append("{")
    for (count, index) in order.enumerated() {
      if count > 0 { bytes += itemSeparator }
      newLine(level + 1)
      try writeKey(mapping.keys[index])
      bytes += keySeparator
      try write(mapping.values[index], level: level + 1, renderer: renderer)
    }
    newLine(level)
    append("}")
  }

  private mutating func writeKey(_ key: TemplateValue) throws(TemplateError) {
    switch key {
    case .text(let text): write(text)
    case .null: append("\"null\"")
    case .bool(let value): append(value ? "\"true\"" : "\"false\"")
    case .int(let value): append("\"\(value)\"")
    case .float(let value): append("\"\(JSONWriter.pythonNotation(value))\"")
    default:
      throw TemplateError(.value, "keys must be str, int, float, bool or None, not \(key.typeName)")
    }
  }

  private mutating func write(_ text: TemplateText) {
    bytes.reserveCapacity(bytes.count + text.utf8.count + 2)
    let isPlain =
      !text.utf8.contains { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C } && (text.isASCII || !ensuresASCII)
    if isPlain, !ensuresASCII {
      bytes.append(0x22)
      bytes += text.utf8
      bytes.append(0x22)
    } else {
      bytes += JSONWriter.quoted(text.string, ensureASCII: ensuresASCII)
    }
  }
}
