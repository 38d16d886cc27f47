import Parsing

/// The small fields of a BPE model.
struct BytePairFields {
  let json: JSONObject
  let unknownToken: String?
  let prefix: String?
  let suffix: String?
  let fusesUnknown: Bool
  let hasByteFallback: Bool
  let ignoresMerges: Bool

  init(_ json: JSONObject) {
    self.json = json
    unknownToken = json["unk_token"]?.string
    prefix = json["continuing_subword_prefix"]?.string
    suffix = json["end_of_word_suffix"]?.string
    fusesUnknown = json["fuse_unk"]?.bool ?? false
    hasByteFallback = json["byte_fallback"]?.bool ?? false
    ignoresMerges = json["ignore_merges"]?.bool ?? false
  }

  func refuseUnsupported() throws(TokenizerError) {
    if let dropout = json["dropout"], !dropout.isNull, dropout.double != 0 {
      throw TokenizerError(
        "the BPE model asks for dropout \(dropout), which would make ids random; set it to null")
    }
  }
}

/// The merges of a file, as pairs of ids.
struct LoadedMerges {
  var table: MergeTable

  /// True if no merge joins something that does not end in U+2581 with something that starts with it.
  var cutsAtMetaspace = true

  private static let metaspace: [UInt8] = [0xE2, 0x96, 0x81]

  /// The vocabulary's entry of the last merged token: files list both in the same order.
  private var lastEntry = 0

  /// - Parameter prefixCount: bytes of the prefix of continuing tokens, left out when two tokens are joined.
  init(_ list: [JSONValue], _ vocabulary: Vocabulary, prefixCount: Int) throws(TokenizerError) {
    table = MergeTable(capacity: list.count)
    var rank: UInt32 = 0
    var joined: [UInt8] = []
    for (number, entry) in list.enumerated() {
      joined.removeAll(keepingCapacity: true)
      var leftCount = 0
      var rightStart = 0
      switch entry {
      case .string(let line):
        if line.utf8.starts(with: "#version".utf8) { continue }
        joined.append(contentsOf: line.utf8)
        guard let space = joined.firstIndex(of: 0x20), joined.lastIndex(of: 0x20) == space else {
          throw TokenizerError(
            "merge \(number + 1) of the BPE model must be two tokens with one space between")
        }
        leftCount = space
        rightStart = space + 1
      case .array(let pair):
        guard pair.count == 2, let left = pair[0].string, let right = pair[1].string else {
          throw TokenizerError("merge \(number + 1) of the BPE model must be a pair of tokens")
        }
        joined.append(contentsOf: left.utf8)
        leftCount = joined.count
        rightStart = joined.count
        joined.append(contentsOf: right.utf8)
      default:
        throw TokenizerError(
          "merge \(number + 1) of the BPE model must be a pair of tokens, not \(entry.kindName)")
      }
      try add(&joined, leftCount, rightStart, rank, prefixCount, vocabulary)
      rank += 1
    }
  }

  private mutating func add(
    _ joined: inout [UInt8], _ leftCount: Int, _ rightStart: Int, _ rank: UInt32, _ prefixCount: Int,
    _ vocabulary: Vocabulary
  ) throws(TokenizerError) {
    guard let left = vocabulary.id(of: joined.span.extracting(0..<leftCount)) else {
      throw Self.missing(joined[..<leftCount])
    }
    guard let right = vocabulary.id(of: joined.span.extracting(rightStart..<joined.count)) else {
      throw Self.missing(joined[rightStart...])
    }
    let rightCount = joined.count - rightStart
    guard rightCount >= prefixCount else {
      throw TokenizerError(
        "a merge of the BPE model has a right side shorter than the prefix of continuing tokens")
    }
    if joined[rightStart...].starts(with: Self.metaspace),
      !joined[..<leftCount].suffix(3).elementsEqual(Self.metaspace)
    {
      cutsAtMetaspace = false
    }
    if rightStart + prefixCount > leftCount { joined.removeSubrange(leftCount..<(rightStart + prefixCount)) }
    guard let id = vocabulary.id(of: joined.span, after: &lastEntry) else { throw Self.missing(joined[...]) }
    table.insert(left, right, rank: rank, id: id)
  }

  private static func missing(_ token: ArraySlice<UInt8>) -> TokenizerError {
    TokenizerError(
      "a merge of the BPE model needs \"\(String(decoding: token.prefix(80), as: UTF8.self))\", which is not in its vocabulary"
    )
  }
}

/// The names of tokens that stand for one byte: `<0x00>`...`<0xFF>`.
enum ByteToken {
  static func name(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
  }

  /// The byte that a token stands for, in either case of digits.
  static func byte(_ token: ArraySlice<UInt8>) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token.last == UInt8(ascii: ">") else {
      return nil
    }
    let start = token.startIndex
    // A sign in place of the first digit is what the reference's number parser lets through.
    if token[start + 3] == UInt8(ascii: "+") { return digit(token[start + 4]) }
    guard let high = digit(token[start + 3]), let low = digit(token[start + 4]) else { return nil }
    return high << 4 | low
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
