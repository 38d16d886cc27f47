extension JSONReader {
  /// A string, `position` at its opening quote.
  mutating func string(_ bytes: Span<UInt8>) throws(ParseError) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      if byte == Ascii.quote {
        let end = position
        position += 1
        return try text(bytes.extracting(start..<end), offset: start)
      }
      if byte == Ascii.backslash { return try stringWithEscapes(bytes, start: start) }
      if byte < 0x20 { throw unexpected(bytes, wanted: "a control character to be escaped in a string") }
      position += 1
    }
    throw unexpected(bytes, wanted: "a closing quote")
  }

  private mutating func stringWithEscapes(_ bytes: Span<UInt8>, start: Int) throws(ParseError) -> String {
    var content: [UInt8] = []
    content.reserveCapacity(position - start + 16)
    for index in start..<position { content.append(bytes[index]) }
    while position < bytes.count {
      let byte = bytes[position]
      if byte == Ascii.quote {
        position += 1
        return try text(content.span, offset: start)
      }
      if byte < 0x20 { throw unexpected(bytes, wanted: "a control character to be escaped in a string") }
      if byte == Ascii.backslash {
        try escape(bytes, into: &content)
      } else {
        content.append(byte)
        position += 1
      }
    }
    throw unexpected(bytes, wanted: "a closing quote")
  }

  /// One escape, `position` at its backslash.
  private mutating func escape(_ bytes: Span<UInt8>, into content: inout [UInt8]) throws(ParseError) {
    position += 1
    guard position < bytes.count else { throw unexpected(bytes, wanted: "a letter after '\\'") }
    let letter = bytes[position]
    let plain: UInt8
    switch letter {
    case Ascii.quote, Ascii.backslash, UInt8(ascii: "/"): plain = letter
    case UInt8(ascii: "b"): plain = 0x08
    case UInt8(ascii: "f"): plain = 0x0C
    case UInt8(ascii: "n"): plain = 0x0A
    case UInt8(ascii: "r"): plain = 0x0D
    case UInt8(ascii: "t"): plain = 0x09
    case UInt8(ascii: "u"): return try unicodeEscape(bytes, into: &content)
    default: throw unexpected(bytes, wanted: "one of \" \\ / b f n r t u after '\\'")
    }
    position += 1
    content.append(plain)
  }

  /// `\uXXXX`, or a pair of them for a scalar beyond the basic plane; `position` at the `u`.
  private mutating func unicodeEscape(_ bytes: Span<UInt8>, into content: inout [UInt8]) throws(ParseError) {
    let start = position - 1
    let first = try hexadecimal(bytes)
    var scalar = UInt32(first)
    if first & 0xFC00 == 0xD800 {
      guard position + 1 < bytes.count, bytes[position] == Ascii.backslash,
        bytes[position + 1] == UInt8(ascii: "u")
      else { throw loneSurrogate(first, start) }
      position += 1
      let second = try hexadecimal(bytes)
      guard second & 0xFC00 == 0xDC00 else { throw loneSurrogate(first, start) }
      scalar = 0x10000 + (UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF))
    } else if first & 0xFC00 == 0xDC00 {
      throw loneSurrogate(first, start)
    }
    switch scalar {
    case ..<0x80: content.append(UInt8(scalar))
    case ..<0x800:
      content.append(UInt8(0xC0 | scalar >> 6))
      content.append(UInt8(0x80 | scalar & 0x3F))
    case ..<0x10000:
      content.append(UInt8(0xE0 | scalar >> 12))
      content.append(UInt8(0x80 | scalar >> 6 & 0x3F))
      content.append(UInt8(0x80 | scalar & 0x3F))
    default:
      content.append(UInt8(0xF0 | scalar >> 18))
      content.append(UInt8(0x80 | scalar >> 12 & 0x3F))
      content.append(UInt8(0x80 | scalar >> 6 & 0x3F))
      content.append(UInt8(0x80 | scalar & 0x3F))
    }
  }

  /// Four hexadecimal digits after a `u`, `position` at the `u`.
  private mutating func hexadecimal(_ bytes: Span<UInt8>) throws(ParseError) -> UInt16 {
    position += 1
    var value: UInt16 = 0
    for _ in 0..<4 {
      guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
      else {
        throw unexpected(bytes, wanted: "four hexadecimal digits after '\\u'")
      }
      value = value << 4 | UInt16(digit)
      position += 1
    }
    return value
  }

  private func loneSurrogate(_ unit: UInt16, _ offset: Int) -> ParseError {
    ParseError(message: "\\u\(String(unit, radix: 16)) is half of a surrogate pair", byteOffset: offset)
  }

  private func text(_ bytes: Span<UInt8>, offset: Int) throws(ParseError) -> String {
    do {
      return String(copying: try UTF8Span(validating: bytes))
    } catch {
      throw ParseError(
        message: "a string is not valid UTF-8", byteOffset: offset + error.byteOffsets.lowerBound)
    }
  }

  /// A number, `position` at its first byte.
  ///
  /// Up to 15 significant digits and a power of ten up to 22 are exact in a double, so one division or multiplication
  /// rounds correctly (W. D. Clinger, "How to read floating point numbers accurately", 1990); the rest goes to the
  /// standard library.
  mutating func number(_ bytes: Span<UInt8>) throws(ParseError) -> JSONValue {
    let start = position
    let negative = bytes[position] == Ascii.minus
    if negative { position += 1 }
    var digits = Digits()
    if position < bytes.count, bytes[position] == Ascii.zero {
      position += 1
    } else {
      try readDigits(bytes, into: &digits)
    }
    var isInteger = true
    var exponent = 0
    if position < bytes.count, bytes[position] == Ascii.point {
      isInteger = false
      position += 1
      let fractionStart = position
      try readDigits(bytes, into: &digits)
      exponent -= position - fractionStart
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      var minus = false
      if position < bytes.count, bytes[position] == Ascii.minus || bytes[position] == Ascii.plus {
        minus = bytes[position] == Ascii.minus
        position += 1
      }
      var power = Digits()
      try readDigits(bytes, into: &power)
      let magnitude = power.count <= 6 ? Int(power.value) : 1_000_000
      exponent += minus ? -magnitude : magnitude
    }
    if isInteger, digits.count <= 18 {
      return .integer(negative ? -Int64(digits.value) : Int64(digits.value))
    }
    if digits.count <= 15, abs(exponent) <= 22 {
      let magnitude = Double(digits.value)
      let scaled =
        exponent < 0 ? magnitude / exactPowersOfTen[-exponent] : magnitude * exactPowersOfTen[exponent]
      return .number(negative ? -scaled : scaled)
    }
    let text = try text(bytes.extracting(start..<position), offset: start)
    if isInteger, let value = Int64(text) { return .integer(value) }
    let read = decimals == .nearest ? Double(text) : Self.scaled(bytes.extracting(start..<position))
    guard let value = read, value.isFinite else {
      throw ParseError(message: "the number \(text.prefix(40)) is out of range", byteOffset: start)
    }
    return .number(value)
  }

  private mutating func readDigits(_ bytes: Span<UInt8>, into digits: inout Digits) throws(ParseError) {
    let start = position
    while position < bytes.count, case Ascii.zero...Ascii.nine = bytes[position] {
      digits.append(bytes[position] - Ascii.zero)
      position += 1
    }
    guard position > start else { throw unexpected(bytes, wanted: "a digit") }
  }
}

/// Decimal digits without leading zeros: their number, and their value while it fits.
private struct Digits {
  var value: UInt64 = 0
  var count = 0

  mutating func append(_ digit: UInt8) {
    if count == 0, digit == 0 { return }
    count += 1
    if count <= 18 { value = value * 10 + UInt64(digit) }
  }
}
