/// Writes JSON text the way Python's `json.dumps` does, which is what files and templates of the field expect.
///
/// Doubles are the shortest decimal that reads back to the same value, in Python's notation (`1e-05`, `1e+16`);
/// not-a-number and the infinities are written `NaN`, `Infinity`, `-Infinity` as Python does.
package struct JSONWriter: Sendable {
  /// How a value is laid out.
  package struct Options: Sendable {
    package var itemSeparator: String
    package var keySeparator: String
    /// Every character outside printable ASCII becomes `\uXXXX`.
    package var ensureASCII: Bool
    /// What one level is indented by; nil for one line.
    package var indent: String?
    /// Members by the order of their code points, instead of the order of the object.
    package var sortedKeys: Bool

    package init(
      itemSeparator: String = ",", keySeparator: String = ":", ensureASCII: Bool = false,
      indent: String? = nil,
      sortedKeys: Bool = false
    ) {
      self.itemSeparator = itemSeparator
      self.keySeparator = keySeparator
      self.ensureASCII = ensureASCII
      self.indent = indent
      self.sortedKeys = sortedKeys
    }

    /// `{"a":1,"b":2}`
    package static let compact = Options()
    /// `{"a": 1, "b": 2}`: what `json.dumps` does by default, but for `ensure_ascii`.
    package static let spaced = Options(itemSeparator: ", ", keySeparator: ": ")
    /// Several lines, two spaces a level.
    package static let pretty = Options(itemSeparator: ",", keySeparator: ": ", indent: "  ")
  }

  private let options: Options
  private var output: [UInt8] = []

  private init(options: Options) { self.options = options }

  package static func bytes(_ value: JSONValue, options: Options = .compact) -> [UInt8] {
    var writer = JSONWriter(options: options)
    writer.write(value, level: 0)
    return writer.output
  }

  package static func string(_ value: JSONValue, options: Options = .compact) -> String {
    String(decoding: bytes(value, options: options), as: UTF8.self)
  }

  /// One JSON string with its quotes.
  package static func quoted(_ text: String, ensureASCII: Bool = false) -> [UInt8] {
    var writer = JSONWriter(options: Options(ensureASCII: ensureASCII))
    writer.writeString(text)
    return writer.output
  }

  private mutating func write(_ value: JSONValue, level: Int) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append(String(value))
    case .number(let value): append(Self.pythonNotation(value))
    case .string(let value): writeString(value)
    case .array(let elements): writeArray(elements, level: level)
    case .object(let object): writeObject(object, level: level)
    }
  }

  private mutating func writeArray(_ elements: [JSONValue], level: Int) {
    output.append(Ascii.openBracket)
    for (index, element) in elements.enumerated() {
      if index > 0 { append(options.itemSeparator) }
      newLine(level + 1)
      write(element, level: level + 1)
    }
    if !elements.isEmpty { newLine(level) }
    output.append(Ascii.closeBracket)
  }

  private mutating func writeObject(_ object: JSONObject, level: Int) {
    output.append(Ascii.openBrace)
    var members = object.members
    if options.sortedKeys { members.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
    for (index, member) in members.enumerated() {
      if index > 0 { append(options.itemSeparator) }
      newLine(level + 1)
      writeString(member.key)
      append(options.keySeparator)
      write(member.value, level: level + 1)
    }
    if !members.isEmpty { newLine(level) }
    output.append(Ascii.closeBrace)
  }

  private mutating func newLine(_ level: Int) {
    guard let indent = options.indent else { return }
    output.append(0x0A)
    for _ in 0..<level { append(indent) }
  }

  private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

  private mutating func writeString(_ text: String) {
    output.append(Ascii.quote)
    let bytes = text.utf8Span.span
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte >= 0x80, options.ensureASCII {
        index += writeEscaped(scalarAt: index, in: bytes)
        continue
      }
      switch byte {
      case Ascii.quote, Ascii.backslash: output.append(contentsOf: [Ascii.backslash, byte])
      case 0x0A: append("\\n")
      case 0x0D: append("\\r")
      case 0x09: append("\\t")
      case 0x08: append("\\b")
      case 0x0C: append("\\f")
      case 0x7F where options.ensureASCII: writeUnit(0x7F)
      case ..<0x20: writeUnit(UInt16(byte))
      default: output.append(byte)
      }
      index += 1
    }
    output.append(Ascii.quote)
  }

  /// Writes the scalar that starts at `index` as one or two `\uXXXX` and returns its length in UTF-8.
  private mutating func writeEscaped(scalarAt index: Int, in bytes: Span<UInt8>) -> Int {
    let lead = bytes[index]
    let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    var scalar = UInt32(lead) & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
    for offset in 1..<length { scalar = scalar << 6 | UInt32(bytes[index + offset] & 0x3F) }
    if scalar < 0x10000 {
      writeUnit(UInt16(scalar))
    } else {
      writeUnit(UInt16(0xD800 + (scalar - 0x10000) >> 10))
      writeUnit(UInt16(0xDC00 + (scalar - 0x10000) & 0x3FF))
    }
    return length
  }

  private mutating func writeUnit(_ unit: UInt16) {
    append("\\u")
    for shift in [12, 8, 4, 0] as [UInt16] {
      let digit = UInt8(unit >> shift & 0xF)
      output.append(digit < 10 ? Ascii.zero + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}
