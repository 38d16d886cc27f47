/// Reads the words inside one tag.
struct TagScanner {
  private let source: [UInt8]
  private(set) var position: Int
  private(set) var line: Int

  /// Closing brackets that are due: a tag cannot end before them.
  private(set) var openBrackets: [UInt8] = []

  private static let doubleSymbols: Set<[UInt8]> = Set(
    ["//", "**", "==", "!=", ">=", "<="].map { Array($0.utf8) })
  private static let singleSymbols = Set("+-/*%~[](){}><=.:|,;".utf8)

  init(source: [UInt8], position: Int, line: Int) {
    self.source = source
    self.position = position
    self.line = line
  }

  mutating func skipSpaces() {
    while position < source.count {
      var after = position
      guard source.scalar(at: &after).isPythonSpace else { return }
      if source[position] == 0x0A { line += 1 }
      position = after
    }
  }

  /// The word at the position, which is not whitespace; nil at the end of the source.
  mutating func next() throws(TemplateError) -> TemplateToken? {
    guard position < source.count else { return nil }
    let byte = source[position]
    if isDigit(position) { return try number() }
    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return try string(quote: byte) }
    var end = position
    while end < source.count {
      var after = end
      guard source.scalar(at: &after).isWordCharacter else { break }
      end = after
    }
    return end > position ? try name(end: end) : try symbol()
  }

  private mutating func token(_ kind: TemplateToken.Kind, _ text: String, end: Int) -> TemplateToken {
    let token = TemplateToken(kind: kind, text: text, line: line)
    for byte in source[position..<end] where byte == 0x0A { line += 1 }
    position = end
    return token
  }

  private mutating func name(end: Int) throws(TemplateError) -> TemplateToken {
    let text = TemplateText(source[position..<end])
    let scalars = text.scalars
    let isIdentifier =
      scalars[0] == "_"
      || scalars[0].properties.isXIDStart
        && scalars.allSatisfy { $0 == "_" || $0.properties.isXIDContinue }
    guard isIdentifier else {
      throw TemplateError(.syntax, "'\(text.string)' is not a valid name", line: line)
    }
    return token(.name, text.string, end: end)
  }

  private mutating func symbol() throws(TemplateError) -> TemplateToken {
    let byte = source[position]
    let pair = Array(source[position..<min(position + 2, source.count)])
    if Self.doubleSymbols.contains(pair) {
      return token(.symbol, String(decoding: pair, as: UTF8.self), end: position + 2)
    }
    guard Self.singleSymbols.contains(byte) else {
      var after = position
      let scalar = source.scalar(at: &after)
      throw TemplateError(
        .syntax, "unexpected character \(TemplateText(scalars: [scalar]).pythonRepr)", line: line)
    }
    let text = String(Unicode.Scalar(byte))
    switch byte {
    case UInt8(ascii: "{"): openBrackets.append(UInt8(ascii: "}"))
    case UInt8(ascii: "("): openBrackets.append(UInt8(ascii: ")"))
    case UInt8(ascii: "["): openBrackets.append(UInt8(ascii: "]"))
    case UInt8(ascii: "}"), UInt8(ascii: ")"), UInt8(ascii: "]"):
      guard let expected = openBrackets.popLast() else {
        throw TemplateError(.syntax, "unexpected '\(text)'", line: line)
      }
      guard expected == byte else {
        throw TemplateError(
          .syntax, "unexpected '\(text)', expected '\(Unicode.Scalar(expected))'", line: line)
      }
    default: break
    }
    return token(.symbol, text, end: position + 1)
  }
}

extension TagScanner {
  private func isDigit(_ index: Int) -> Bool {
    index < source.count && source[index] >= 0x30 && source[index] <= 0x39
  }

  /// The end of digits with single underscores between them.
  private func digitsEnd(_ start: Int, _ accepts: (UInt8) -> Bool) -> Int {
    var end = start
    while end < source.count {
      if accepts(source[end]) {
        end += 1
      } else if end > start, source[end] == UInt8(ascii: "_"), end + 1 < source.count,
        accepts(source[end + 1])
      {
        end += 2
      } else {
        break
      }
    }
    return end
  }

  private func isDecimal(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private mutating func number() throws(TemplateError) -> TemplateToken {
    let start = position
    let whole = digitsEnd(start, isDecimal)
    if start == 0 || source[start - 1] != UInt8(ascii: ".") {
      var end = whole
      var isFloat = false
      if end < source.count, source[end] == UInt8(ascii: "."), isDigit(end + 1) {
        end = digitsEnd(end + 1, isDecimal)
        isFloat = true
      }
      if end < source.count, source[end] | 0x20 == UInt8(ascii: "e") {
        var exponent = end + 1
        if exponent < source.count,
          source[exponent] == UInt8(ascii: "+") || source[exponent] == UInt8(ascii: "-")
        {
          exponent += 1
        }
        if isDigit(exponent) {
          end = digitsEnd(exponent, isDecimal)
          isFloat = true
        }
      }
      if isFloat { return token(.float, digits(start, end), end: end) }
    }
    if source[start] == 0x30 {
      let end = prefixedEnd(start) ?? digitsEnd(start) { $0 == 0x30 }
      return token(.integer, digits(start, end), end: end)
    }
    return token(.integer, digits(start, whole), end: whole)
  }

  private func digits(_ start: Int, _ end: Int) -> String {
    String(decoding: source[start..<end].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
  }

  /// The end of a binary, octal or hexadecimal number.
  private func prefixedEnd(_ start: Int) -> Int? {
    guard start + 1 < source.count else { return nil }
    let accepts: (UInt8) -> Bool
    switch source[start + 1] | 0x20 {
    case UInt8(ascii: "b"): accepts = { $0 == 0x30 || $0 == 0x31 }
    case UInt8(ascii: "o"): accepts = { $0 >= 0x30 && $0 <= 0x37 }
    case UInt8(ascii: "x"):
      accepts = { ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x66) }
    default: return nil
    }
    var first = start + 2
    if first < source.count, source[first] == UInt8(ascii: "_") { first += 1 }
    let end = digitsEnd(first, accepts)
    return end > first ? end : nil
  }

  private mutating func string(quote: UInt8) throws(TemplateError) -> TemplateToken {
    var end = position + 1
    while end < source.count, source[end] != quote { end += source[end] == UInt8(ascii: "\\") ? 2 : 1 }
    guard end < source.count else {
      throw TemplateError(
        .syntax, "unexpected character \(quote == 0x27 ? "\"'\"" : "'\"'") (a string that does not end)",
        line: line)
    }
    let text = try unescaped(Array(source[(position + 1)..<end]))
    return token(.string, text.string, end: end + 1)
  }

  /// Replaces the escapes of a Python string.
  private func unescaped(_ bytes: [UInt8]) throws(TemplateError) -> TemplateText {
    guard bytes.contains(UInt8(ascii: "\\")) else { return TemplateText(utf8: bytes) }
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count else {
        result.append(bytes[index])
        index += 1
        continue
      }
      let escape = bytes[index + 1]
      index += 2
      switch escape {
      case 0x0A: break
      case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""): result.append(escape)
      case UInt8(ascii: "a"): result.append(0x07)
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "v"): result.append(0x0B)
      case 0x30...0x37:
        var value = UInt32(escape - 0x30)
        var length = 1
        while length < 3, index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x37 {
          value = value * 8 + UInt32(bytes[index] - 0x30)
          index += 1
          length += 1
        }
        result.append(scalar: Unicode.Scalar(value) ?? "\u{FFFD}")
      case UInt8(ascii: "x"): result.append(scalar: try codePoint(bytes, &index, digits: 2, "x"))
      case UInt8(ascii: "u"): result.append(scalar: try codePoint(bytes, &index, digits: 4, "u"))
      case UInt8(ascii: "U"): result.append(scalar: try codePoint(bytes, &index, digits: 8, "U"))
      case UInt8(ascii: "N"):
        throw TemplateError(.syntax, "character names (\\N{...}) are not accepted in strings", line: line)
      case 0x80...:
        // WHY: Jinja turns the character into an escape before it looks for escapes, so its number stays.
        index -= 1
        let scalar = bytes.scalar(at: &index)
        result += TemplateText(scalars: [scalar]).reprBytes(asciiOnly: true).dropFirst().dropLast()
      default: result += [UInt8(ascii: "\\"), escape]
      }
    }
    return TemplateText(utf8: result)
  }

  private func codePoint(_ bytes: [UInt8], _ index: inout Int, digits: Int, _ letter: String)
    throws(TemplateError) -> Unicode.Scalar
  {
    guard index + digits <= bytes.count,
      let value = UInt32(String(decoding: bytes[index..<(index + digits)], as: UTF8.self), radix: 16)
    else { throw TemplateError(.syntax, "truncated \\\(letter) escape in a string", line: line) }
    index += digits
    guard let scalar = Unicode.Scalar(value) else {
      throw TemplateError(.syntax, "\\\(letter) escape in a string is not a Unicode character", line: line)
    }
    return scalar
  }
}
