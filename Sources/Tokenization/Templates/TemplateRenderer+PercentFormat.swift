/// `format % values`, the printf style of Python.
extension TemplateRenderer {
  func percentFormat(_ format: TemplateText, _ values: TemplateValue) throws(TemplateError) -> TemplateText {
    var formatter = PercentFormatter(values)
    return try formatter.format(format, self)
  }
}

private struct PercentFormatter {
  private let values: [TemplateValue]
  private let mapping: TemplateValue?
  private var used = 0

  init(_ value: TemplateValue) {
    if case .tuple(let sequence) = value { values = sequence.items } else { values = [value] }
    switch value {
    case .dict, .list, .range, .undefined: mapping = value
    default: mapping = nil
    }
  }

  mutating func format(_ format: TemplateText, _ renderer: TemplateRenderer) throws(TemplateError)
    -> TemplateText
  {
    let bytes = format.utf8
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "%") else {
        result.append(bytes[index])
        index += 1
        continue
      }
      index += 1
      result += try conversion(bytes, &index, renderer).utf8
      try renderer.allocate(bytes: 16)
    }
    if used < values.count, mapping == nil {
      throw TemplateError(.value, "not all arguments converted during string formatting")
    }
    try renderer.allocate(bytes: result.count)
    return TemplateText(utf8: result)
  }

  private mutating func next() throws(TemplateError) -> TemplateValue {
    guard used < values.count else { throw TemplateError(.value, "not enough arguments for format string") }
    used += 1
    return values[used - 1]
  }

  private mutating func conversion(_ bytes: [UInt8], _ index: inout Int, _ renderer: TemplateRenderer)
    throws(TemplateError) -> TemplateText
  {
    func incomplete() -> TemplateError { TemplateError(.value, "incomplete format") }
    var keyed: TemplateValue?
    if index < bytes.count, bytes[index] == UInt8(ascii: "(") {
      let end = try keyEnd(bytes, index)
      let key = TemplateText(bytes[(index + 1)..<end])
      index = end + 1
      guard let mapping, case .dict(let members) = mapping else {
        throw TemplateError(.value, "format requires a mapping")
      }
      guard let value = members[key] else { throw TemplateError(.value, key.pythonRepr) }
      keyed = value
    }
    var field = FieldFormat()
    field.align = ">"
    field.sign = "-"
    while index < bytes.count, "-+ #0".utf8.contains(bytes[index]) {
      switch bytes[index] {
      case UInt8(ascii: "-"): field.align = "<"
      case UInt8(ascii: "+"): field.sign = "+"
      case UInt8(ascii: " "): if field.sign == "-" { field.sign = " " }
      case UInt8(ascii: "#"): field.isAlternate = true
      default: field.padsWithZeros = true
      }
      index += 1
    }
    if let width = try amount(bytes, &index) {
      field.width = abs(width)
      if width < 0 { field.align = "<" }
    }
    if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
      index += 1
      field.precision = max(0, try amount(bytes, &index) ?? 0)
    }
    while index < bytes.count, "hlL".utf8.contains(bytes[index]) { index += 1 }
    guard index < bytes.count else { throw incomplete() }
    let type = Unicode.Scalar(bytes[index])
    index += 1
    if type == "%" { return "%" }
    field.type = type
    try renderer.allocate(bytes: field.width + (field.precision ?? 0))
    let value: TemplateValue
    if let keyed { value = keyed } else { value = try next() }
    return try format(value, field, type, renderer)
  }

  private func keyEnd(_ bytes: [UInt8], _ start: Int) throws(TemplateError) -> Int {
    var open = 0
    for index in start..<bytes.count {
      if bytes[index] == UInt8(ascii: "(") { open += 1 }
      if bytes[index] == UInt8(ascii: ")") { open -= 1 }
      if open == 0 { return index }
    }
    throw TemplateError(.value, "incomplete format key")
  }

  /// A number in the format, or `*` for the next value.
  private mutating func amount(_ bytes: [UInt8], _ index: inout Int) throws(TemplateError) -> Int? {
    if index < bytes.count, bytes[index] == UInt8(ascii: "*") {
      index += 1
      guard let value = try next().integer else { throw TemplateError(.value, "* wants int") }
      return min(max(value, -(1 << 30)), 1 << 30)
    }
    var number: Int?
    while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 {
      number = (number ?? 0) * 10 + Int(bytes[index] - 0x30)
      guard (number ?? 0) <= 1 << 30 else { throw TemplateError(.value, "width too big") }
      index += 1
    }
    return number
  }

  private func format(
    _ value: TemplateValue, _ field: FieldFormat, _ type: Unicode.Scalar, _ renderer: TemplateRenderer
  ) throws(TemplateError) -> TemplateText {
    switch type {
    case "s", "r", "a":
      var text = type == "s" ? try renderer.text(value) : try ValuePrinter.repr(value, renderer)
      if type == "a" { text = text.asciiOnly() }
      if let precision = field.precision { text = text.substring(0..<min(precision, text.count)) }
      return field.padded(text, defaultAlign: ">")
    case "c":
      if case .text(let text) = value, text.count == 1 { return field.padded(text, defaultAlign: ">") }
      guard let number = value.integer, let scalar = Unicode.Scalar(UInt32(clamping: number)) else {
        throw TemplateError(.value, "%c requires int or char")
      }
      return field.padded(TemplateText(scalars: [scalar]), defaultAlign: ">")
    case "d", "i", "u", "x", "X", "o": return try formatInteger(value, field, type)
    case "e", "E", "f", "F", "g", "G":
      if case .undefined(let undefined) = value { throw undefined.error }
      guard let number = value.number else {
        throw TemplateError(.value, "must be real number, not \(value.typeName)")
      }
      return layOut(field.magnitude(number, type: type), number.sign == .minus && !number.isNaN, "", field)
    default:
      throw TemplateError(.value, "unsupported format character '\(type)'")
    }
  }

  private func formatInteger(_ value: TemplateValue, _ field: FieldFormat, _ type: Unicode.Scalar)
    throws(TemplateError) -> TemplateText
  {
    if case .undefined(let undefined) = value { throw undefined.error }
    var integer = value.integer
    if case .float(let number) = value, "diu".unicodeScalars.contains(type) {
      integer = Int(exactly: number.rounded(.towardZero))
    }
    guard let integer else {
      let wanted = "diu".unicodeScalars.contains(type) ? "a real number" : "an integer"
      throw TemplateError(.value, "%\(type) format: \(wanted) is required, not \(value.typeName)")
    }
    let radix = type == "x" || type == "X" ? 16 : type == "o" ? 8 : 10
    var digits = String(integer.magnitude, radix: radix, uppercase: type == "X")
    if let precision = field.precision {
      digits = String(repeating: "0", count: max(0, precision - digits.utf8.count)) + digits
    }
    let prefix = field.isAlternate ? (radix == 16 ? "0\(type)" : radix == 8 ? "0o" : "") : ""
    return layOut(digits, integer < 0, prefix, field)
  }

  private func layOut(
    _ magnitude: String, _ isNegative: Bool, _ prefix: String, _ field: FieldFormat
  ) -> TemplateText {
    var field = field
    if field.padsWithZeros, field.align == ">" {
      field.align = "="
      field.fill = "0"
    }
    return field.number(magnitude, isNegative: isNegative, prefix: prefix)
  }
}

extension TemplateText {
  /// Characters beyond ASCII as escapes.
  func asciiOnly() -> TemplateText {
    if isASCII { return self }
    return TemplateText(
      utf8: characters.flatMap { character -> [UInt8] in
        character.isASCII
          ? character.utf8 : Array(character.reprBytes(asciiOnly: true).dropFirst().dropLast())
      })
  }
}
