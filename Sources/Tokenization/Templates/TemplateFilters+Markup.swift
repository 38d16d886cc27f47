extension TemplateFilters {
  static let markups: [String: Filter] = [
    "escape": filter("escape", [], escaped),
    "e": filter("e", [], escaped),
    "forceescape": filter("forceescape") { (renderer, value, _) throws(TemplateError) in
      .text(try renderer.text(value).escaped())
    },
    "safe": filter("safe") { (renderer, value, _) throws(TemplateError) in
      var text = try renderer.text(value)
      text.isMarkup = true
      return .text(text)
    },
    "striptags": filter("striptags") { (renderer, value, _) throws(TemplateError) in
      let text = try renderer.text(value)
      try renderer.allocate(bytes: text.utf8.count)
      return .text(text.withoutTags())
    },
    "urlencode": filter("urlencode") { (renderer, value, _) throws(TemplateError) in
      try urlEncoded(renderer, value)
    },
    "xmlattr": filter("xmlattr", ["autospace"]) { (renderer, value, values) throws(TemplateError) in
      try attributes(renderer, value, autospace: values[0]?.isTrue ?? true)
    },
  ]

  private static let escaped:
    @Sendable (TemplateRenderer, TemplateValue, [TemplateValue?]) throws(TemplateError) -> TemplateValue = {
      (renderer, value, _) throws(TemplateError) in
      if case .text(let text) = value, text.isMarkup { return value }
      let text = try renderer.text(value)
      try renderer.allocate(bytes: text.utf8.count * 5)
      return .text(text.escaped())
    }

  private static func urlEncoded(_ renderer: TemplateRenderer, _ value: TemplateValue) throws(TemplateError)
    -> TemplateValue
  {
    func quoted(_ value: TemplateValue, inQuery: Bool) throws(TemplateError) -> [UInt8] {
      let text = try renderer.text(value)
      try renderer.allocate(bytes: text.utf8.count * 3)
      return text.percentEncoded(inQuery: inQuery)
    }
    let pairs: [TemplateValue]
    switch value {
    case .dict(let mapping): pairs = mapping.pairs
    case .list, .tuple, .view, .range, .iterator, .undefined: pairs = try renderer.items(of: value)
    default: return .text(TemplateText(utf8: try quoted(value, inQuery: false)))
    }
    var bytes: [UInt8] = []
    for (index, pair) in pairs.enumerated() {
      let parts = try renderer.items(of: pair)
      guard parts.count == 2 else {
        throw TemplateError(.value, "not two values to unpack (expected 2, got \(parts.count))")
      }
      if index > 0 { bytes.append(UInt8(ascii: "&")) }
      bytes += try quoted(parts[0], inQuery: true)
      bytes.append(UInt8(ascii: "="))
      bytes += try quoted(parts[1], inQuery: true)
    }
    return .text(TemplateText(utf8: bytes))
  }

  private static func attributes(_ renderer: TemplateRenderer, _ value: TemplateValue, autospace: Bool)
    throws(TemplateError) -> TemplateValue
  {
    if case .undefined(let undefined) = value { throw undefined.error }
    guard case .dict(let mapping) = value else {
      throw TemplateError(.value, "'\(value.typeName)' object has no attribute 'items'")
    }
    var parts: [String] = []
    for (key, value) in zip(mapping.keys, mapping.values) where !value.isNull && !value.isUndefined {
      guard case .text(let name) = key else {
        throw TemplateError(.value, "expected string or bytes-like object")
      }
      guard !name.utf8.contains(where: { ($0 >= 9 && $0 <= 13) || " />=".utf8.contains($0) }) else {
        throw TemplateError(.value, "Invalid character in attribute name: \(name.pythonRepr)")
      }
      let text = try renderer.text(value)
      let shown = value.text?.isMarkup == true ? text : text.escaped()
      parts.append("\(name.escaped().string)=\"\(shown.string)\"")
    }
    let joined = parts.joined(separator: " ")
    return .string(autospace && !joined.isEmpty ? " " + joined : joined)
  }
}

extension TemplateText {
  /// The text with the characters of HTML replaced; the result is markup.
  func escaped() -> TemplateText {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count)
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "&"): bytes += Array("&amp;".utf8)
      case UInt8(ascii: "<"): bytes += Array("&lt;".utf8)
      case UInt8(ascii: ">"): bytes += Array("&gt;".utf8)
      case UInt8(ascii: "'"): bytes += Array("&#39;".utf8)
      case UInt8(ascii: "\""): bytes += Array("&#34;".utf8)
      default: bytes.append(byte)
      }
    }
    var result = TemplateText(utf8: bytes)
    result.isMarkup = true
    return result
  }

  /// The text without comments and tags, whitespace runs made one space, and the usual entities replaced.
  func withoutTags() -> TemplateText {
    func removing(_ text: TemplateText, _ open: TemplateText, _ close: TemplateText) -> TemplateText {
      var bytes: [UInt8] = []
      var position = 0
      while let start = text.firstOffset(of: open, from: position),
        let end = text.firstOffset(of: close, from: start)
      {
        bytes += text.utf8[position..<start]
        position = end + close.utf8.count
      }
      return TemplateText(utf8: bytes + text.utf8[position...])
    }
    let bare = removing(removing(self, "<!--", "-->"), "<", ">")
    let words = bare.splitWhitespace(limit: -1).map(\.utf8).joined(separator: [0x20])
    var result = TemplateText(utf8: Array(words))
    let entities: [(TemplateText, TemplateText)] = [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&apos;", "'"),
      ("&nbsp;", "\u{A0}"), ("&amp;", "&"),
    ]
    for (entity, character) in entities { result = result.replacing(entity, with: character) }
    return result
  }

  func percentEncoded(inQuery: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    for byte in utf8 {
      let scalar = Unicode.Scalar(byte)
      let isSafe =
        (byte < 0x80 && (scalar.isPythonAlpha || scalar.isPythonDigit)) || "_.-~".utf8.contains(byte)
      if isSafe || (byte == UInt8(ascii: "/") && !inQuery) {
        bytes.append(byte)
      } else if byte == 0x20, inQuery {
        bytes.append(UInt8(ascii: "+"))
      } else {
        bytes.append(UInt8(ascii: "%"))
        bytes += Array((byte < 16 ? "0" : "").utf8) + Array(String(byte, radix: 16, uppercase: true).utf8)
      }
    }
    return bytes
  }
}
