/// One step of turning tokens back into text.
enum DecoderStep: Sendable {
  case byteLevel
  case fuse
  case byteFallback
  case replace(TextPattern, with: [UInt8])
  case strip(scalar: UInt32, start: Int, stop: Int)
  case metaspace(scalar: UInt32, dropsFirst: Bool)
  case wordPiece(prefix: [UInt8], cleansUp: Bool)
  case bytePair(suffix: [UInt8])
  case ctc(pad: [UInt8], delimiter: [UInt8], cleansUp: Bool)
  /// What stands in place of a decoder: a space between tokens.
  case spaces

  /// True if the step makes one text of all tokens.
  var joinsTokens: Bool {
    switch self {
    case .byteLevel, .fuse: true
    default: false
    }
  }

  /// What a step that looks at one token alone makes of the token with this number.
  func transform(_ token: [UInt8], number: Int) -> [UInt8] {
    switch self {
    case .replace(let pattern, let content): return pattern.replacing(in: token, with: content)
    case .strip(let scalar, let start, let stop): return Self.strip(token, scalar, start, stop)
    case .metaspace(let scalar, let dropsFirst):
      return Self.metaspace(token, scalar, drops: dropsFirst && number == 0)
    case .wordPiece(let prefix, let cleansUp):
      var result = token
      if number > 0 {
        if token.starts(with: prefix) { result.removeFirst(prefix.count) } else { result.insert(0x20, at: 0) }
      }
      return cleansUp ? Cleanup.apply(to: result) : result
    case .bytePair(let suffix): return Cleanup.replace(suffix, with: [], in: token)
    case .ctc(let pad, let delimiter, let cleansUp):
      let result = Cleanup.replace(pad, with: [], in: token)
      return cleansUp ? Cleanup.replace(delimiter, with: [0x20], in: Cleanup.apply(to: result)) : result
    case .byteFallback:
      return ByteToken.byte(token[...]).map { $0 < 0x80 ? [$0] : ReplacementCharacter.bytes } ?? token
    case .spaces where number > 0: return [0x20] + token
    case .byteLevel: return UTF8Repair.repaired(ByteAlphabet.decode(token[...]) ?? token)
    case .fuse, .spaces: return token
    }
  }

  private static func strip(_ token: [UInt8], _ scalar: UInt32, _ start: Int, _ stop: Int) -> [UInt8] {
    var cut: [UInt8] = []
    UTF8Scalars.append(scalar, to: &cut)
    var low = 0
    var high = token.count
    var count = 0
    while count < start, token[low...].starts(with: cut) {
      low += cut.count
      count += 1
    }
    count = 0
    while count < stop, high - low >= cut.count, token[(high - cut.count)..<high].elementsEqual(cut) {
      high -= cut.count
      count += 1
    }
    return Array(token[low..<high])
  }

  static func metaspace(_ token: [UInt8], _ scalar: UInt32, drops: Bool) -> [UInt8] {
    let text = token.span
    var result: [UInt8] = []
    result.reserveCapacity(token.count)
    var index = 0
    while index < text.count {
      let (next, length) = UTF8Scalars.decode(text, at: index)
      if next != scalar {
        for offset in 0..<length { result.append(text[index + offset]) }
      } else if !drops {
        result.append(0x20)
      }
      index += length
    }
    return result
  }
}

/// The tidying of English that old decoders do: spaces before punctuation and contractions.
enum Cleanup {
  private static let pairs: [(from: [UInt8], to: [UInt8])] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

  static func apply(to text: [UInt8]) -> [UInt8] {
    pairs.reduce(text) { replace($1.from, with: $1.to, in: $0) }
  }

  /// An empty pattern matches before every character and at the end, as in the reference.
  static func replace(_ pattern: [UInt8], with content: [UInt8], in text: [UInt8]) -> [UInt8] {
    if !pattern.isEmpty { return TextPattern.literal(pattern).replacing(in: text, with: content) }
    var result: [UInt8] = []
    for byte in text {
      if byte & 0xC0 != 0x80 { result.append(contentsOf: content) }
      result.append(byte)
    }
    return result + content
  }
}
