/// `str.format`, with attributes and items of the arguments looked up under the rules of the sandbox.
extension TemplateRenderer {
  func braceFormat(_ format: TemplateText, _ arguments: CallArguments, mapping: TemplateValue? = nil)
    throws(TemplateError) -> TemplateText
  {
    var state = BraceFormatter(arguments: arguments, mapping: mapping)
    return try state.format(format, renderer: self, depth: 2)
  }

  /// `format(value, spec)`.
  func formatted(_ value: TemplateValue, _ spec: TemplateText) throws(TemplateError) -> TemplateText {
    if spec.isEmpty { return try text(value) }
    switch value {
    case .text(let text):
      var field = try FieldFormat(spec)
      if field.isZeroAlignment { field.align = nil }
      guard field.type == nil || field.type == "s", field.align != "=", field.sign == "-" else {
        throw TemplateError(.value, "Unknown format code for object of type 'str'")
      }
      try allocate(bytes: field.width)
      let cut = field.precision.map { text.substring(0..<min($0, text.count)) } ?? text
      return field.padded(cut, defaultAlign: "<")
    case .int, .bool, .float:
      let field = try FieldFormat(spec)
      try allocate(bytes: field.width + (field.precision ?? 0))
      return try formatted(number: value, field)
    default:
      throw TemplateError(.value, "unsupported format string passed to \(value.typeName).__format__")
    }
  }

  private func formatted(number value: TemplateValue, _ field: FieldFormat) throws(TemplateError)
    -> TemplateText
  {
    let type = field.type
    if let integer = value.integer {
      let digits = integer.magnitude
      switch type {
      case nil where field.precision == nil, "d", "n":
        return field.number(String(digits), isNegative: integer < 0)
      case "b":
        return field.number(
          String(digits, radix: 2), isNegative: integer < 0, prefix: field.isAlternate ? "0b" : "")
      case "o":
        return field.number(
          String(digits, radix: 8), isNegative: integer < 0, prefix: field.isAlternate ? "0o" : "")
      case "x":
        return field.number(
          String(digits, radix: 16), isNegative: integer < 0, prefix: field.isAlternate ? "0x" : "")
      case "X":
        return field.number(
          String(digits, radix: 16, uppercase: true), isNegative: integer < 0,
          prefix: field.isAlternate ? "0X" : "")
      case "c":
        guard let scalar = Unicode.Scalar(UInt32(clamping: integer)) else {
          throw TemplateError(.value, "%c arg not in range(0x110000)")
        }
        return field.padded(TemplateText(scalars: [scalar]), defaultAlign: "<")
      default: break
      }
    }
    let number = value.number ?? 0
    let isNegative = number.sign == .minus && !number.isNaN
    guard let type else {
      guard let precision = field.precision else {
        return field.number(String(number.magnitude.pythonRepr), isNegative: isNegative)
      }
      var text = ExactDecimal(number).generalMagnitude(precision: precision, keepsZeros: false)
      if !text.utf8.contains(UInt8(ascii: ".")), !text.utf8.contains(UInt8(ascii: "e")), number.isFinite {
        text += ".0"
      }
      return field.number(text, isNegative: isNegative)
    }
    guard "eEfFgGn%".unicodeScalars.contains(type) else {
      throw TemplateError(
        .value, "Unknown format code '\(type)' for object of type '\(value.typeName)'")
    }
    return field.number(field.magnitude(number, type: type == "n" ? "g" : type), isNegative: isNegative)
  }
}

/// Walks one brace format; nested fields inside a format specification share the numbering.
private struct BraceFormatter {
  let arguments: CallArguments
  let mapping: TemplateValue?
  private var nextNumber: Int? = 0

  init(arguments: CallArguments, mapping: TemplateValue?) {
    self.arguments = arguments
    self.mapping = mapping
  }

  mutating func format(_ format: TemplateText, renderer: TemplateRenderer, depth: Int) throws(TemplateError)
    -> TemplateText
  {
    guard depth >= 0 else { throw TemplateError(.value, "Max string recursion exceeded") }
    let bytes = format.utf8
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      guard byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") else {
        result.append(byte)
        index += 1
        continue
      }
      if index + 1 < bytes.count, bytes[index + 1] == byte {
        result.append(byte)
        index += 2
        continue
      }
      guard byte == UInt8(ascii: "{") else {
        throw TemplateError(.value, "Single '}' encountered in format string")
      }
      let end = try closingBrace(bytes, from: index + 1)
      result += try field(Array(bytes[(index + 1)..<end]), renderer, depth).utf8
      try renderer.allocate(bytes: 16)
      index = end + 1
    }
    try renderer.allocate(bytes: result.count)
    return TemplateText(utf8: result)
  }

  private func closingBrace(_ bytes: [UInt8], from start: Int) throws(TemplateError) -> Int {
    var open = 1
    for index in start..<bytes.count {
      if bytes[index] == UInt8(ascii: "{") { open += 1 }
      if bytes[index] == UInt8(ascii: "}") { open -= 1 }
      if open == 0 { return index }
    }
    throw TemplateError(
      .value,
      start == bytes.count ? "Single '{' encountered in format string" : "expected '}' before end of string")
  }

  private mutating func field(_ bytes: [UInt8], _ renderer: TemplateRenderer, _ depth: Int)
    throws(TemplateError)
    -> TemplateText
  {
    let nameEnd = nameEnd(bytes)
    var value = try lookUp(Array(bytes[..<nameEnd]), renderer)
    var rest = bytes[nameEnd...]
    if rest.first == UInt8(ascii: "!") {
      let conversion = rest.dropFirst().first
      rest = rest.dropFirst(2)
      guard rest.isEmpty || rest.first == UInt8(ascii: ":") else {
        throw TemplateError(.value, "expected ':' after conversion specifier")
      }
      switch conversion {
      case UInt8(ascii: "s"): value = .text(try renderer.text(value))
      case UInt8(ascii: "r"):
        value = .text(try ValuePrinter.repr(value, renderer))
      case UInt8(ascii: "a"):
        let shown = try ValuePrinter.repr(value, renderer)
        value = .text(shown.asciiOnly())
      default: throw TemplateError(.value, "Unknown conversion specifier in a format string")
      }
    }
    let spec = try format(TemplateText(utf8: Array(rest.dropFirst())), renderer: renderer, depth: depth - 1)
    return try renderer.formatted(value, spec)
  }

  private func nameEnd(_ bytes: [UInt8]) -> Int {
    var inBrackets = false
    for (index, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "[") { inBrackets = true }
      if byte == UInt8(ascii: "]") { inBrackets = false }
      if !inBrackets, byte == UInt8(ascii: "!") || byte == UInt8(ascii: ":") { return index }
    }
    return bytes.count
  }

  /// `name`, `0`, or nothing, then `.attribute` and `[item]`.
  private mutating func lookUp(_ bytes: [UInt8], _ renderer: TemplateRenderer) throws(TemplateError)
    -> TemplateValue
  {
    var index = bytes.firstIndex { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") } ?? bytes.count
    var value = try argument(TemplateText(bytes[..<index]), isWhole: index == bytes.count)
    while index < bytes.count {
      let isItem = bytes[index] == UInt8(ascii: "[")
      let start = index + 1
      var end = start
      while end < bytes.count,
        isItem
          ? bytes[end] != UInt8(ascii: "]")
          : bytes[end] != UInt8(ascii: ".") && bytes[end] != UInt8(ascii: "[")
      {
        end += 1
      }
      let name = TemplateText(bytes[start..<end])
      guard !name.isEmpty, !isItem || end < bytes.count else {
        throw TemplateError(.value, "Empty attribute in format string")
      }
      if isItem, name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(name.string) {
        value = try renderer.item(.int(number), of: value)
      } else {
        value = isItem ? try renderer.item(.text(name), of: value) : try renderer.member(name, of: value)
      }
      index = isItem ? end + 1 : end
    }
    return value
  }

  private mutating func argument(_ name: TemplateText, isWhole: Bool) throws(TemplateError) -> TemplateValue {
    var number: Int?
    if name.isEmpty, isWhole {
      guard let next = nextNumber else {
        throw TemplateError(
          .value, "cannot switch from manual field specification to automatic field numbering")
      }
      number = next
      nextNumber = next + 1
    } else if !name.isEmpty, name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
      if let next = nextNumber, next > 0 {
        throw TemplateError(
          .value, "cannot switch from manual field specification to automatic field numbering")
      }
      nextNumber = nil
      number = Int(name.string) ?? Int.max
    }
    if let number {
      guard number < arguments.positional.count else {
        throw TemplateError(.value, "Replacement index \(number) out of range for positional args tuple")
      }
      return arguments.positional[number]
    }
    if case .dict(let mapping) = mapping, let value = mapping[name] { return value }
    if let keyword = arguments.keywords.last(where: { TemplateText($0.name) == name }) {
      return keyword.value
    }
    throw TemplateError(
      .value, "the format string names \(name.pythonRepr), which is not among the arguments")
  }
}
