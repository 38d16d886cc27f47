/// A string as a template sees it: Unicode code points, with UTF-8 beneath.
///
/// WHY: not `String`, whose indices are graphemes and whose `==` is canonical equivalence; Python has neither.
/// Cost: length O(1); an index O(1) for ASCII and O(n) otherwise; equality is equality of bytes.
struct TemplateText: Sendable {
  let utf8: [UInt8]

  /// Code points.
  let count: Int

  /// Markup: text that the escaping filters leave alone.
  var isMarkup = false

  /// `bytes` must be valid UTF-8.
  init(utf8 bytes: [UInt8]) {
    utf8 = bytes
    var continuations = 0
    for byte in bytes where UTF8Scalars.isContinuation(byte) { continuations += 1 }
    count = bytes.count - continuations
  }

  init(_ string: String) { self.init(utf8: Array(string.utf8)) }

  init(_ bytes: ArraySlice<UInt8>) { self.init(utf8: Array(bytes)) }

  init(scalars: some Sequence<Unicode.Scalar>) {
    var bytes: [UInt8] = []
    for scalar in scalars { bytes.append(scalar: scalar) }
    self.init(utf8: bytes)
  }

  static let empty = TemplateText(utf8: [])

  var isEmpty: Bool { utf8.isEmpty }
  var isASCII: Bool { count == utf8.count }
  var string: String { String(decoding: utf8, as: UTF8.self) }

  var scalars: [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(count)
    var offset = 0
    while offset < utf8.count { result.append(utf8.scalar(at: &offset)) }
    return result
  }

  /// Byte offset of code point `index`, which may be `count`.
  func byteOffset(_ index: Int) -> Int {
    if isASCII { return index }
    var remaining = index
    var offset = 0
    while remaining > 0 {
      offset += 1
      while offset < utf8.count, UTF8Scalars.isContinuation(utf8[offset]) { offset += 1 }
      remaining -= 1
    }
    return offset
  }

  /// Code points before byte `offset`.
  func scalarIndex(byteOffset offset: Int) -> Int {
    if isASCII { return offset }
    var index = 0
    for byte in utf8[..<offset] where byte & 0xC0 != 0x80 { index += 1 }
    return index
  }

  func substring(_ range: Range<Int>) -> TemplateText {
    let start = byteOffset(range.lowerBound)
    let end = isASCII ? range.upperBound : start + TemplateText(utf8[start...]).byteOffset(range.count)
    return TemplateText(utf8[start..<end])
  }

  /// Every code point as its own text.
  var characters: [TemplateText] {
    var result: [TemplateText] = []
    result.reserveCapacity(count)
    var offset = 0
    while offset < utf8.count {
      let start = offset
      _ = utf8.scalar(at: &offset)
      result.append(TemplateText(utf8[start..<offset]))
    }
    return result
  }

  static func + (left: TemplateText, right: TemplateText) -> TemplateText {
    TemplateText(utf8: left.utf8 + right.utf8)
  }
}

extension TemplateText: Hashable, Comparable {
  static func == (left: TemplateText, right: TemplateText) -> Bool { left.utf8 == right.utf8 }

  func hash(into hasher: inout Hasher) { hasher.combine(utf8) }

  /// The order of code points, which is the order of UTF-8 bytes.
  static func < (left: TemplateText, right: TemplateText) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
  }
}

extension TemplateText: ExpressibleByStringLiteral {
  init(stringLiteral value: StaticString) { self.init(value.description) }
}

extension [UInt8] {
  mutating func append(scalar: Unicode.Scalar) {
    let value = scalar.value
    switch value {
    case ..<0x80: append(UInt8(value))
    case ..<0x800:
      append(UInt8(0xC0 | value >> 6))
      append(UInt8(0x80 | value & 0x3F))
    case ..<0x10000:
      append(UInt8(0xE0 | value >> 12))
      append(UInt8(0x80 | value >> 6 & 0x3F))
      append(UInt8(0x80 | value & 0x3F))
    default:
      append(UInt8(0xF0 | value >> 18))
      append(UInt8(0x80 | value >> 12 & 0x3F))
      append(UInt8(0x80 | value >> 6 & 0x3F))
      append(UInt8(0x80 | value & 0x3F))
    }
  }

  /// Decodes the code point that starts at `offset` of valid UTF-8 and moves past it.
  func scalar(at offset: inout Int) -> Unicode.Scalar {
    let lead = UInt32(self[offset])
    let length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
    guard length > 1, offset + length <= count else {
      offset += 1
      return Unicode.Scalar(lead) ?? "\u{FFFD}"
    }
    var value = lead & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
    for index in 1..<length { value = value << 6 | UInt32(self[offset + index] & 0x3F) }
    offset += length
    return Unicode.Scalar(value) ?? "\u{FFFD}"
  }
}
