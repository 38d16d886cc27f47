internal import Parsing

/// What `str()` and `repr()` of Python make of a value.
extension TemplateText {
  /// The text in quotes with escapes, as `repr` shows it.
  var pythonRepr: String { String(decoding: reprBytes(asciiOnly: false), as: UTF8.self) }

  func reprBytes(asciiOnly: Bool) -> [UInt8] {
    let hasSingle = utf8.contains(UInt8(ascii: "'"))
    let quote = hasSingle && !utf8.contains(UInt8(ascii: "\"")) ? UInt8(ascii: "\"") : UInt8(ascii: "'")
    var bytes: [UInt8] = isMarkup ? Array("Markup(".utf8) : []
    bytes.append(quote)
    var offset = 0
    while offset < utf8.count {
      let scalar = utf8.scalar(at: &offset)
      switch scalar {
      case "\n": bytes += Array("\\n".utf8)
      case "\r": bytes += Array("\\r".utf8)
      case "\t": bytes += Array("\\t".utf8)
      case "\\": bytes += Array("\\\\".utf8)
      case Unicode.Scalar(quote): bytes += [UInt8(ascii: "\\"), quote]
      default:
        if scalar.isPythonPrintable, scalar.isASCII || !asciiOnly {
          bytes.append(scalar: scalar)
        } else {
          let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
          let digits = String(scalar.value, radix: 16)
          bytes += Array(
            "\\\(letter)\(String(repeating: "0", count: width - digits.utf8.count))\(digits)".utf8)
        }
      }
    }
    bytes.append(quote)
    if isMarkup { bytes.append(UInt8(ascii: ")")) }
    return bytes
  }
}

extension Double {
  /// `repr` of a float.
  var pythonRepr: String {
    if isNaN { return "nan" }
    if isInfinite { return self < 0 ? "-inf" : "inf" }
    return JSONWriter.pythonNotation(self)
  }
}

/// Writes values as text; bounded in size and depth.
struct ValuePrinter {
  private(set) var bytes: [UInt8] = []
  private let maxBytes: Int
  private let renderer: TemplateRenderer

  /// Namespaces may hold themselves, so depth is bounded here as well.
  private static let maxDepth = 200

  private init(_ renderer: TemplateRenderer) {
    self.renderer = renderer
    maxBytes = renderer.limits.maxTextBytes
  }

  /// `str(value)`.
  static func text(_ value: TemplateValue, _ renderer: TemplateRenderer) throws(TemplateError) -> TemplateText
  {
    if case .text(let text) = value {
      guard text.isMarkup else { return text }
      return TemplateText(utf8: text.utf8)
    }
    var printer = ValuePrinter(renderer)
    if case .undefined = value { return .empty }
    try printer.writeRepr(value, depth: 0)
    return TemplateText(utf8: printer.bytes)
  }

  /// `repr(value)`.
  static func repr(_ value: TemplateValue, _ renderer: TemplateRenderer) throws(TemplateError) -> TemplateText
  {
    var printer = ValuePrinter(renderer)
    try printer.writeRepr(value, depth: 0)
    return TemplateText(utf8: printer.bytes)
  }

  private mutating func append(_ text: String) { bytes += Array(text.utf8) }

  private mutating func writeRepr(_ value: TemplateValue, depth: Int) throws(TemplateError) {
    guard depth < Self.maxDepth else {
      throw TemplateError(.limit, "a value nested deeper than \(Self.maxDepth) levels cannot be printed")
    }
    guard bytes.count <= maxBytes else {
      throw TemplateError(.limit, "a printed value is longer than the \(maxBytes) bytes allowed")
    }
    try renderer.step()
    switch value {
    case .undefined: append("Undefined")
    case .null: append("None")
    case .bool(let value): append(value ? "True" : "False")
    case .int(let value): append(String(value))
    case .float(let value): append(value.pythonRepr)
    case .text(let text): bytes += text.reprBytes(asciiOnly: false)
    case .list(let sequence): try writeItems(sequence.items, "[", "]", depth)
    case .tuple(let sequence):
      try writeItems(sequence.items, "(", sequence.items.count == 1 ? ",)" : ")", depth)
    case .dict(let mapping): try writeMapping(mapping, depth)
    case .view(let view):
      append("\(view.part.typeName)(")
      try writeItems(view.items, "[", "]", depth)
      append(")")
    case .range(let range):
      append("range(\(range.start), \(range.stop)\(range.step == 1 ? "" : ", \(range.step)"))")
    case .namespace(let namespace):
      var builder = TemplateMappingBuilder()
      for member in namespace.members { builder.set(member.name, member.value) }
      append("<Namespace ")
      try writeMapping(TemplateMapping(builder), depth)
      append(">")
    case .macro(let macro): append("<Macro \(macro.name.map { TemplateText($0).pythonRepr } ?? "anonymous")>")
    case .loop(let loop): append("<LoopContext \(loop.index0 + 1)/\(try loop.length())>")
    case .iterator, .cycler, .joiner, .function, .method: append("<\(value.typeName) object>")
    }
  }

  private mutating func writeItems(_ items: [TemplateValue], _ open: String, _ close: String, _ depth: Int)
    throws(TemplateError)
  {
    append(open)
    for (index, item) in items.enumerated() {
      if index > 0 { append(", ") }
      try writeRepr(item, depth: depth + 1)
    }
    append(close)
  }

  private mutating func writeMapping(_ mapping: TemplateMapping, _ depth: Int) throws(TemplateError) {
    append("{")
    for index in 0..<mapping.count {
      if index > 0 { append(", ") }
      try writeRepr(mapping.keys[index], depth: depth + 1)
      append(": ")
      try writeRepr(mapping.values[index], depth: depth + 1)
    }
    append("}")
  }
}
