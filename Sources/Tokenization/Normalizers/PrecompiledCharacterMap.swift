/// The character map of SentencePiece: a double array (Darts-clone) of texts to replace, and their replacements.
///
/// As in the reference, a grapheme of less than six bytes is looked up as a whole first, then its scalars one by one; a
/// look-up takes the *shortest* entry that is a prefix.
struct PrecompiledCharacterMap: Sendable {
  private let units: [UInt32]
  private let replacements: [UInt8]

  init(base64: String) throws(TokenizerError) {
    guard let bytes = Self.decode(base64), bytes.count >= 4 else {
      throw TokenizerError("precompiled_charsmap of the normalizer Precompiled is not base64")
    }
    let trieBytes = (0..<4).reduce(0) { $0 | Int(bytes[$1]) << ($1 * 8) }
    guard trieBytes % 4 == 0, trieBytes > 0, trieBytes <= bytes.count - 4 else {
      throw TokenizerError(
        "precompiled_charsmap of the normalizer Precompiled says \(trieBytes) bytes of trie, but has \(bytes.count - 4)"
      )
    }
    units = stride(from: 4, to: 4 + trieBytes, by: 4).map { start in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32($1 * 8) }
    }
    replacements = Array(bytes[(4 + trieBytes)...])
    guard (try? UTF8Span(validating: replacements.span)) != nil else {
      throw TokenizerError("the replacements of the normalizer Precompiled are not UTF-8")
    }
  }

  func apply(to text: inout NormalizedText) {
    let bytes = text.bytes
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + 8)
    var leading = 0
    var start = 0
    while start < bytes.count {
      let end = Self.graphemeEnd(bytes, start)
      if end - start < 6, let replacement = replacement(bytes[start..<end]) {
        result.append(contentsOf: replacement)
        if start < text.leadingCount { leading = result.count }
      } else {
        var index = start
        while index < end {
          let next = index + UTF8Scalars.length(lead: bytes[index])
          result.append(contentsOf: replacement(bytes[index..<next]) ?? bytes[index..<next])
          if index < text.leadingCount { leading = result.count }
          index = next
        }
      }
      start = end
    }
    text = NormalizedText(bytes: result, leadingCount: leading)
  }

  /// Where the extended grapheme cluster that starts here ends.
  private static func graphemeEnd(_ bytes: [UInt8], _ start: Int) -> Int {
    if bytes[start] < 0x80 {
      if start + 1 == bytes.count { return start + 1 }
      if bytes[start] == 0x0D { return start + (bytes[start + 1] == 0x0A ? 2 : 1) }
      if bytes[start + 1] < 0x80 { return start + 1 }
    }
    var window = 32
    while true {
      var windowEnd = min(bytes.count, start + window)
      while windowEnd < bytes.count, UTF8Scalars.isContinuation(bytes[windowEnd]) { windowEnd += 1 }
      let length = String(decoding: bytes[start..<windowEnd], as: UTF8.self).first?.utf8.count ?? 1
      // A cluster that fills its window may go on behind it.
      if start + length < windowEnd || windowEnd == bytes.count { return start + length }
      window *= 2
    }
  }

  private func replacement(_ key: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let start = shortestPrefix(key), start < replacements.count, replacements[start] & 0xC0 != 0x80
    else {
      return nil
    }
    let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
    return replacements[start..<end]
  }

  /// The value of the shortest entry that is a prefix of the key.
  private func shortestPrefix(_ key: ArraySlice<UInt8>) -> Int? {
    var position = Self.offset(units[0])
    for byte in key {
      if byte == 0 { return nil }
      position ^= Int(byte)
      guard position < units.count else { return nil }
      let unit = units[position]
      guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
      position ^= Self.offset(unit)
      guard position < units.count else { return nil }
      if unit >> 8 & 1 == 1 { return Int(units[position] & 0x7FFF_FFFF) }
    }
    return nil
  }

  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

  private static func decode(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    var buffer: UInt32 = 0
    var bits: UInt32 = 0
    for byte in text.utf8 {
      let digit: UInt32
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt32(byte) - 65
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt32(byte) - 97 + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(byte) - 48 + 52
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "/"): digit = 63
      case UInt8(ascii: "="): continue
      default: return nil
      }
      buffer = (buffer << 6 | digit) & 0xFFFF
      bits += 6
      if bits >= 8 {
        bits -= 8
        result.append(UInt8(truncatingIfNeeded: buffer >> bits))
      }
    }
    return result
  }
}
