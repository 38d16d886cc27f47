extension TemplateFilters {
  private static func mapping(_ name: String, _ body: @escaping @Sendable (TemplateText) -> TemplateText)
    -> Filter
  {
    filter(name) { (renderer, value, _) throws(TemplateError) in
      let text = try renderer.text(value)
      try renderer.allocate(bytes: text.utf8.count)
      var result = body(text)
      result.isMarkup = value.text?.isMarkup ?? false
      return .text(result)
    }
  }

  static let texts: [String: Filter] = [
    "upper": mapping("upper") { $0.uppercased() },
    "lower": mapping("lower") { $0.lowercased() },
    "capitalize": mapping("capitalize") { $0.capitalized() },
    "title": mapping("title", titled),
    "string": mapping("string") { $0 },
    "trim": filter("trim", ["chars"]) { (renderer, value, values) throws(TemplateError) in
      let text = try renderer.text(value)
      try renderer.allocate(bytes: text.utf8.count)
      switch values[0] {
      case .none, .some(.null): return .text(text.strippedWhitespace())
      case .some(.text(let set)): return .text(text.stripped(of: set))
      default: throw TemplateError(.value, "strip arg must be None or str")
      }
    },
    "replace": filter("replace", ["old", "new", "count"], required: 2) {
      (renderer, value, values) throws(TemplateError) in
      let text = try renderer.text(value)
      let old = try renderer.text(values[0] ?? .null)
      let new = try renderer.text(values[1] ?? .null)
      return .text(try renderer.replaced(text, old, new, limit: values[2]?.integer ?? -1))
    },
    "center": filter("center", ["width"]) { (renderer, value, values) throws(TemplateError) in
      .text(try renderer.center(try renderer.text(value), width: values[0]?.integer ?? 80))
    },
    "format": { (renderer, value, arguments) throws(TemplateError) in
      guard arguments.positional.isEmpty || arguments.keywords.isEmpty else {
        throw TemplateError(.value, "can't handle positional and keyword arguments at the same time")
      }
      var builder = TemplateMappingBuilder()
      for keyword in arguments.keywords { builder.set(TemplateText(keyword.name), keyword.value) }
      let values: TemplateValue =
        arguments.keywords.isEmpty
        ? .tuple(try renderer.sequence(arguments.positional)) : try renderer.dict(builder)
      return .text(try renderer.percentFormat(try renderer.text(value), values))
    },
    "indent": filter("indent", ["width", "first", "blank"]) {
      (renderer, value, values) throws(TemplateError) in
      try indented(renderer, value, values)
    },
    "truncate": filter("truncate", ["length", "killwords", "end", "leeway"]) {
      (renderer, value, values) throws(TemplateError) in
      try truncated(renderer, value, values)
    },
    "wordcount": filter("wordcount") { (renderer, value, _) throws(TemplateError) in
      var count = 0
      var inWord = false
      for scalar in try renderer.text(value).scalars {
        if scalar.isWordCharacter, !inWord { count += 1 }
        inWord = scalar.isWordCharacter
      }
      return .int(count)
    },
    "wordwrap": filter("wordwrap", ["width", "break_long_words", "wrapstring", "break_on_hyphens"]) {
      (renderer, value, values) throws(TemplateError) in
      let text = try textOnly(value, "splitlines")
      try renderer.allocate(bytes: text.utf8.count)
      var wrapper = WordWrapper()
      wrapper.width = values[0]?.integer ?? 79
      wrapper.breaksLongWords = values[1]?.isTrue ?? true
      wrapper.breaksAtHyphens = values[3]?.isTrue ?? true
      let separator = try values[2].map { (value) throws(TemplateError) in try renderer.text(value) } ?? "\n"
      guard wrapper.width > 0 else {
        throw TemplateError(.value, "invalid width \(wrapper.width) (must be > 0)")
      }
      let lines = text.splitLines(keepingEnds: false).map { wrapper.lines(of: $0) }
      let joined = lines.map { Array($0.map(\.utf8).joined(separator: separator.utf8)) }
      try renderer.allocate(bytes: (lines.reduce(0) { $0 + $1.count }) * separator.utf8.count)
      return .text(TemplateText(utf8: Array(joined.joined(separator: separator.utf8))))
    },
  ]

  /// What follows these characters starts with a capital.
  private static func titled(_ text: TemplateText) -> TemplateText {
    var bytes: [UInt8] = []
    var word: [Unicode.Scalar] = []
    func flush() {
      guard let first = word.first else { return }
      bytes += Array(first.properties.uppercaseMapping.utf8)
      bytes += TemplateText(scalars: word.dropFirst()).lowercased().utf8
      word = []
    }
    for scalar in text.scalars {
      if scalar.isPythonSpace || ["-", "(", "{", "[", "<"].contains(scalar) {
        flush()
        bytes.append(scalar: scalar)
      } else {
        word.append(scalar)
      }
    }
    flush()
    return TemplateText(utf8: bytes)
  }

  /// The text of a value that must be a string.
  static func textOnly(_ value: TemplateValue, _ method: String) throws(TemplateError) -> TemplateText {
    switch value {
    case .text(let text): return text
    case .undefined(let undefined): throw undefined.error
    default: throw TemplateError(.value, "'\(value.typeName)' object has no attribute '\(method)'")
    }
  }

  private static func indented(
    _ renderer: TemplateRenderer, _ value: TemplateValue, _ values: [TemplateValue?]
  )
    throws(TemplateError) -> TemplateValue
  {
    let indent: TemplateText
    switch values[0] {
    case .some(.text(let text)): indent = text
    case .none: indent = "    "
    case .some(let width):
      guard let width = width.integer else {
        throw TemplateError(.value, "can't multiply sequence by non-int of type '\(width.typeName)'")
      }
      try renderer.allocate(bytes: max(0, width))
      indent = TemplateText(utf8: Array(repeating: 0x20, count: max(0, width)))
    }
    let (first, blank) = (values[1]?.isTrue ?? false, values[2]?.isTrue ?? false)
    let lines = (try textOnly(value, "splitlines") + "\n").splitLines(keepingEnds: false)
    try renderer.allocate(
      bytes: lines.reduce(0) { $0 + $1.utf8.count } + lines.count * (indent.utf8.count + 1))
    var bytes: [UInt8] = []
    for (index, line) in lines.enumerated() {
      if index > 0 { bytes.append(0x0A) }
      if index == 0 ? first : blank || !line.isEmpty { bytes += indent.utf8 }
      bytes += line.utf8
    }
    return .text(TemplateText(utf8: bytes))
  }

  private static func truncated(
    _ renderer: TemplateRenderer, _ value: TemplateValue, _ values: [TemplateValue?]
  )
    throws(TemplateError) -> TemplateValue
  {
    let length = values[0]?.integer ?? 255
    let end = try values[2].map { (value) throws(TemplateError) in try renderer.text(value) } ?? "..."
    let leeway: Int
    if let given = values[3], !given.isNull { leeway = given.integer ?? 5 } else { leeway = 5 }
    guard length >= end.count else {
      throw TemplateError(.value, "expected length >= \(end.count), got \(length)")
    }
    guard leeway >= 0 else { throw TemplateError(.value, "expected leeway >= 0, got \(leeway)") }
    if case .undefined = value { return value }
    let (bound, overflow) = length.addingReportingOverflow(leeway)
    // Whatever has a length may pass; only texts can be cut.
    if overflow { return value }
    if try renderer.length(value) <= bound { return value }
    let text = try textOnly(value, "rsplit")
    let cut = text.substring(0..<(length - end.count))
    if values[1]?.isTrue ?? false { return .text(cut + end) }
    return .text((cut.splitFromRight(separator: " ", limit: 1).first ?? .empty) + end)
  }
}
