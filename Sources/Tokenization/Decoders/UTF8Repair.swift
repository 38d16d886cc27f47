/// The character that stands for bytes that are no text.
enum ReplacementCharacter {
  static let bytes: [UInt8] = [0xEF, 0xBF, 0xBD]
}

/// Makes valid UTF-8 of bytes that arrive in parts: each maximal part of an ill-formed sequence becomes U+FFFD (Unicode
/// standard, section 3.9), an unfinished sequence at the end waits.
struct UTF8Repair {
  private var pending: [UInt8] = []

  /// Appends everything that is decided by now.
  mutating func append(_ bytes: [UInt8], to result: inout [UInt8]) {
    pending.append(contentsOf: bytes)
    if let lead = pending.first, pending.count == 1, lead < 0x80 {
      result.append(lead)
      pending.removeAll(keepingCapacity: true)
      return
    }
    if (try? UTF8Span(validating: pending.span)) != nil {
      result.append(contentsOf: pending)
      pending.removeAll(keepingCapacity: true)
      return
    }
    var index = 0
    while index < pending.count {
      let (length, isComplete) = Self.sequence(pending, at: index)
      if !isComplete, index + length == pending.count, Self.canContinue(pending, from: index) { break }
      if isComplete {
        result.append(contentsOf: pending[index..<(index + length)])
      } else {
        result.append(contentsOf: ReplacementCharacter.bytes)
      }
      index += length
    }
    pending.removeFirst(index)
  }

  /// Gives up on an unfinished sequence.
  mutating func finish(to result: inout [UInt8]) {
    if !pending.isEmpty { result.append(contentsOf: ReplacementCharacter.bytes) }
    pending.removeAll()
  }

  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    if (try? UTF8Span(validating: bytes.span)) != nil { return bytes }
    var repair = UTF8Repair()
    var result: [UInt8] = []
    repair.append(bytes, to: &result)
    repair.finish(to: &result)
    return result
  }

  /// The length of the sequence, or of the part of one, that starts here.
  private static func sequence(_ bytes: [UInt8], at start: Int) -> (length: Int, isComplete: Bool) {
    let lead = bytes[start]
    if lead < 0x80 { return (1, true) }
    let wanted = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1
    if wanted == 1 { return (1, false) }
    var length = 1
    while length < wanted, start + length < bytes.count, allowed(lead, length).contains(bytes[start + length])
    {
      length += 1
    }
    return (length, length == wanted)
  }

  /// True if the bytes from `start` to the end are the beginning of a sequence.
  private static func canContinue(_ bytes: [UInt8], from start: Int) -> Bool {
    bytes[start] >= 0xC2 && bytes[start] < 0xF5
  }

  /// Which bytes may stand at this place of a sequence.
  private static func allowed(_ lead: UInt8, _ place: Int) -> ClosedRange<UInt8> {
    guard place == 1 else { return 0x80...0xBF }
    switch lead {
    case 0xE0: return 0xA0...0xBF
    case 0xED: return 0x80...0x9F
    case 0xF0: return 0x90...0xBF
    case 0xF4: return 0x80...0x8F
    default: return 0x80...0xBF
    }
  }
}
