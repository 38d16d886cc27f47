/// The methods of strings.
extension TemplateRenderer {
  func callTextMethod(_ name: String, of text: TemplateText, _ arguments: CallArguments) throws(TemplateError)
    -> TemplateValue
  {
    switch name {
    case "split", "rsplit": return try split(text, arguments, fromRight: name == "rsplit")
    case "strip", "lstrip", "rstrip":
      let set = try arguments.positionalOnly(name, ["chars"])[0]
      let (left, right) = (name != "rstrip", name != "lstrip")
      switch set {
      case .none, .some(.null): return .text(text.strippedWhitespace(left: left, right: right))
      case .some(.text(let set)): return .text(text.stripped(of: set, left: left, right: right))
      default: throw TemplateError(.value, "\(name) arg must be None or str")
      }
    case "startswith", "endswith": return .bool(try hasAffix(text, name, arguments))
    case "replace":
      let values = try arguments.positionalOnly(name, ["old", "new", "count"], required: 2)
      let old = try textArgument(values[0], name)
      let new = try textArgument(values[1], name)
      return .text(try replaced(text, old, new, limit: try integerArgument(values[2], name) ?? -1))
    case "find", "rfind", "index", "rindex", "count": return .int(try search(text, name, arguments))
    case "join":
      var bytes: [UInt8] = []
      let parts = try items(of: try arguments.positionalOnly(name, ["iterable"], required: 1)[0] ?? .null)
      for (index, item) in parts.enumerated() {
        guard case .text(let part) = item else {
          throw TemplateError(.value, "sequence item \(index): expected str instance, \(item.typeName) found")
        }
        if index > 0 { bytes += text.utf8 }
        bytes += part.utf8
        guard bytes.count <= limits.maxTextBytes else {
          throw TemplateError(.limit, "a joined string is too long")
        }
      }
      try allocate(bytes: bytes.count)
      return .text(TemplateText(utf8: bytes))
    case "format":
      return .text(try braceFormat(text, arguments))
    case "format_map":
      let values = try arguments.positionalOnly(name, ["mapping"], required: 1)
      return .text(try braceFormat(text, CallArguments(), mapping: values[0]))
    case "splitlines":
      let keep = try arguments.bind(name, ["keepends"])[0]?.isTrue ?? false
      try allocate(bytes: text.utf8.count)
      return try list(text.splitLines(keepingEnds: keep).map { .text($0) })
    case "partition", "rpartition": return try partition(text, name, arguments)
    case "removeprefix":
      let part = try textArgument(try arguments.positionalOnly(name, ["prefix"], required: 1)[0], name)
      return .text(text.hasPrefix(part) ? TemplateText(text.utf8[part.utf8.count...]) : text)
    case "removesuffix":
      let part = try textArgument(try arguments.positionalOnly(name, ["suffix"], required: 1)[0], name)
      guard text.hasSuffix(part) else { return .text(text) }
      return .text(TemplateText(text.utf8[..<(text.utf8.count - part.utf8.count)]))
    case "ljust", "rjust", "center", "zfill", "expandtabs": return .text(try padded(text, name, arguments))
    default:
      _ = try arguments.positionalOnly(name, [])
      return try Self.simpleMethod(name, of: text)
    }
  }

  /// Methods without arguments.
  private static func simpleMethod(_ name: String, of text: TemplateText) throws(TemplateError)
    -> TemplateValue
  {
    switch name {
    case "upper": return .text(text.uppercased())
    case "lower": return .text(text.lowercased())
    case "title": return .text(text.titlecased())
    case "capitalize": return .text(text.capitalized())
    case "swapcase": return .text(text.swappingCase())
    case "casefold": return .text(text.casefolded())
    case "islower": return .bool(text.isLower)
    case "isupper": return .bool(text.isUpper)
    case "istitle": return .bool(text.isTitle)
    case "isascii": return .bool(text.isASCII)
    case "isalpha": return .bool(text.allScalars { $0.isPythonAlpha })
    case "isalnum": return .bool(text.allScalars { $0.isPythonAlphanumeric })
    case "isdecimal": return .bool(text.allScalars { $0.isPythonDecimal })
    case "isdigit": return .bool(text.allScalars { $0.isPythonDigit })
    case "isnumeric": return .bool(text.allScalars { $0.isPythonNumeric })
    case "isspace": return .bool(text.allScalars { $0.isPythonSpace })
    case "isprintable": return .bool(text.isEmpty || text.allScalars { $0.isPythonPrintable })
    case "isidentifier":
      let scalars = text.scalars
      guard let first = scalars.first else { return .bool(false) }
      return .bool(
        (first == "_" || first.properties.isXIDStart) && scalars.allSatisfy { $0.properties.isXIDContinue })
    default: throw TemplateError(.value, "the string method '\(name)' is not available")
    }
  }

  private func textArgument(_ value: TemplateValue?, _ function: String) throws(TemplateError) -> TemplateText
  {
    guard case .text(let text) = value else {
      throw TemplateError(.value, "\(function)() argument must be str, not \(value?.typeName ?? "None")")
    }
    return text
  }

  private func integerArgument(_ value: TemplateValue?, _ function: String) throws(TemplateError) -> Int? {
    guard let value else { return nil }
    guard let number = value.integer else {
      throw TemplateError(.value, "'\(value.typeName)' object cannot be interpreted as an integer")
    }
    return number
  }

  func replaced(_ text: TemplateText, _ old: TemplateText, _ new: TemplateText, limit: Int)
    throws(TemplateError)
    -> TemplateText
  {
    let count = text.occurrences(of: old)
    let places = limit < 0 ? count : min(limit, count)
    let (growth, overflow) = places.multipliedReportingOverflow(by: new.utf8.count)
    try allocate(bytes: overflow ? Int.max / 2 : text.utf8.count + growth)
    return text.replacing(old, with: new, limit: limit)
  }

  private func split(_ text: TemplateText, _ arguments: CallArguments, fromRight: Bool) throws(TemplateError)
    -> TemplateValue
  {
    let values = try arguments.bind(fromRight ? "rsplit" : "split", ["sep", "maxsplit"])
    let limit = try integerArgument(values[1], "split") ?? -1
    try allocate(bytes: text.utf8.count)
    let parts: [TemplateText]
    switch values[0] {
    case .none, .some(.null):
      parts = fromRight ? text.splitWhitespaceFromRight(limit: limit) : text.splitWhitespace(limit: limit)
    case .some(.text(let separator)):
      guard !separator.isEmpty else { throw TemplateError(.value, "empty separator") }
      parts =
        fromRight
        ? text.splitFromRight(separator: separator, limit: limit)
        : text.split(separator: separator, limit: limit)
    case .some(let other): throw TemplateError(.value, "must be str or None, not \(other.typeName)")
    }
    return try list(parts.map { .text($0) })
  }

  private func hasAffix(_ text: TemplateText, _ name: String, _ arguments: CallArguments)
    throws(TemplateError)
    -> Bool
  {
    let values = try arguments.positionalOnly(name, ["prefix", "start", "end"], required: 1)
    let count = text.count
    if let start = values[1]?.integer, start > count { return false }
    let range = try searchRange(values[1], values[2], count: count)
    let window = range == 0..<count ? text : text.substring(range)
    let affixes: [TemplateValue]
    switch values[0] {
    case .some(.text): affixes = [values[0] ?? .null]
    case .some(.tuple(let sequence)): affixes = sequence.items
    default:
      throw TemplateError(
        .value, "\(name) first arg must be str or a tuple of str, not \(values[0]?.typeName ?? "None")")
    }
    for affix in affixes {
      guard case .text(let affix) = affix else {
        throw TemplateError(.value, "tuple for \(name) must only contain str, not \(affix.typeName)")
      }
      if name == "startswith" ? window.hasPrefix(affix) : window.hasSuffix(affix) { return true }
    }
    return false
  }

  private func search(_ text: TemplateText, _ name: String, _ arguments: CallArguments) throws(TemplateError)
    -> Int
  {
    let values = try arguments.positionalOnly(name, ["sub", "start", "end"], required: 1)
    let needle = try textArgument(values[0], name)
    let isBeyond = (values[1]?.integer ?? 0) > text.count
    let range = try searchRange(values[1], values[2], count: text.count)
    if name == "count" { return isBeyond ? 0 : text.substring(range).occurrences(of: needle) }
    let start = text.byteOffset(range.lowerBound)
    let end = text.byteOffset(range.upperBound)
    let offset =
      isBeyond
      ? nil
      : name.hasPrefix("r")
        ? text.lastOffset(of: needle, from: start, to: end)
        : text.firstOffset(of: needle, from: start, to: end)
    if let offset { return text.scalarIndex(byteOffset: offset) }
    guard name.hasSuffix("find") else { throw TemplateError(.value, "substring not found") }
    return -1
  }

  private func partition(_ text: TemplateText, _ name: String, _ arguments: CallArguments)
    throws(TemplateError)
    -> TemplateValue
  {
    let separator = try textArgument(try arguments.positionalOnly(name, ["sep"], required: 1)[0], name)
    guard !separator.isEmpty else { throw TemplateError(.value, "empty separator") }
    let isRight = name == "rpartition"
    var parts = isRight ? [.empty, .empty, text] : [text, .empty, .empty]
    if let offset = isRight ? text.lastOffset(of: separator) : text.firstOffset(of: separator) {
      parts = [
        TemplateText(text.utf8[..<offset]), separator,
        TemplateText(text.utf8[(offset + separator.utf8.count)...]),
      ]
    }
    return .tuple(try sequence(parts.map { .text($0) }))
  }

  private func padded(_ text: TemplateText, _ name: String, _ arguments: CallArguments) throws(TemplateError)
    -> TemplateText
  {
    if name == "expandtabs" {
      let size = try integerArgument(try arguments.bind(name, ["tabsize"])[0], name) ?? 8
      return try expandTabs(text, size)
    }
    let values = try arguments.positionalOnly(
      name, name == "zfill" ? ["width"] : ["width", "fillchar"], required: 1)
    let missing = max(0, try integerArgument(values[0], name) ?? 0) - text.count
    guard missing > 0 else { return text }
    try allocate(bytes: missing > limits.maxTextBytes ? missing : missing * 4 + text.utf8.count)
    if name == "zfill" {
      let signed = text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+")
      let sign = signed ? Array(text.utf8[..<1]) : []
      return TemplateText(utf8: sign + Array(repeating: 0x30, count: missing) + text.utf8[sign.count...])
    }
    let fill = values.count > 1 && values[1] != nil ? try textArgument(values[1], name) : " "
    guard fill.count == 1 else {
      throw TemplateError(.value, "The fill character must be exactly one character long")
    }
    return centered(text, missing: missing, fill: fill, name)
  }

  private func centered(_ text: TemplateText, missing: Int, fill: TemplateText, _ name: String)
    -> TemplateText
  {
    // WHY: Python puts the odd one to the left only when the width is odd as well.
    let width = missing + text.count
    let left = name == "ljust" ? 0 : name == "rjust" ? missing : missing / 2 + (missing & width & 1)
    func run(_ count: Int) -> [UInt8] { Array((0..<count).map { _ in fill.utf8 }.joined()) }
    return TemplateText(utf8: run(left) + text.utf8 + run(missing - left))
  }

  func center(_ text: TemplateText, width: Int) throws(TemplateError) -> TemplateText {
    try padded(text, "center", CallArguments(positional: [.int(width)]))
  }

  private func expandTabs(_ text: TemplateText, _ size: Int) throws(TemplateError) -> TemplateText {
    var bytes: [UInt8] = []
    var column = 0
    for character in text.characters {
      if character == "\t" {
        guard size > 0 else { continue }
        let count = size - column % size
        try allocate(bytes: count)
        bytes += Array(repeating: 0x20, count: count)
        column += count
      } else {
        bytes += character.utf8
        column = character == "\n" || character == "\r" ? 0 : column + 1
      }
    }
    return TemplateText(utf8: bytes)
  }
}
