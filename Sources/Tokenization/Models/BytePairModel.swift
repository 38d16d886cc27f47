import Parsing

/// Byte-pair encoding: a vocabulary, ranked merges, and what to do with characters outside the vocabulary.
final class BytePairModel: Sendable {
  let vocabulary: Vocabulary
  let merges: MergeTable
  let ignoresMerges: Bool
  private let unknownToken: String?
  private let unknownID: Int32?
  private let fusesUnknown: Bool
  private let hasByteFallback: Bool
  private let prefix: [UInt8]?
  private let suffix: [UInt8]?

  /// Id + 1 of each token that is one scalar.
  private let scalarIDs: ScalarTable<Int32>

  /// Ids of `<0x00>`...`<0xFF>`, -1 where missing.
  private let byteTokenIDs: [Int32]

  /// The scalar at which words may be cut without losing a merge, if there is one.
  let cutScalar: [UInt8]?

  /// Set when the model reads raw bytes in place of the characters that `ByteLevel` maps them to.
  let rawBytes: RawByteTokens?

  /// - Parameter readsRawBytes: the last pre-tokenizer maps bytes to characters; the model undoes that when it can.
  init(_ json: JSONObject, readsRawBytes: Bool) throws(TokenizerError) {
    let fields = BytePairFields(json)
    try fields.refuseUnsupported()
    guard let vocabularyObject = json["vocab"]?.object, let mergeList = json["merges"]?.array else {
      throw TokenizerError("the BPE model needs \"vocab\" and \"merges\"")
    }
    vocabulary = try Vocabulary(vocabularyObject, place: "the BPE model")
    let loaded = try LoadedMerges(mergeList, vocabulary, prefixCount: fields.prefix?.utf8.count ?? 0)
    merges = loaded.table
    ignoresMerges = fields.ignoresMerges
    unknownToken = fields.unknownToken
    unknownID = fields.unknownToken.flatMap { [vocabulary] in vocabulary.id(of: $0.utf8Span.span) }
    fusesUnknown = fields.fusesUnknown
    hasByteFallback = fields.hasByteFallback
    prefix = fields.prefix.map { Array($0.utf8) }
    suffix = fields.suffix.map { Array($0.utf8) }
    scalarIDs = Self.scalarIDs(vocabulary)
    byteTokenIDs = (0..<256).map { [vocabulary] in vocabulary.id(of: ByteToken.name(UInt8($0))) ?? -1 }
    let isPlain = fields.prefix == nil && fields.suffix == nil
    cutScalar = isPlain && loaded.cutsAtMetaspace && scalarIDs[0x2581] > 0 ? Array("\u{2581}".utf8) : nil
    rawBytes =
      readsRawBytes && isPlain && !fields.hasByteFallback
      ? RawByteTokens(vocabulary, keepsWords: fields.ignoresMerges) : nil
  }

  /// Appends the symbols of a word before any merge.
  func appendSymbols(of text: [UInt8], range: Range<Int>, to symbols: inout [Int32]) throws(TokenizerError) {
    let bytes = text.span
    var pending: Int32 = -1
    if let rawBytes {
      for index in range {
        let id = rawBytes.byteIDs[Int(bytes[index])]
        if id >= 0 { Self.append(id, &pending, &symbols) } else { try addUnknown(&pending, &symbols) }
      }
    } else {
      var index = range.lowerBound
      while index < range.upperBound {
        let (scalar, length) = UTF8Scalars.decode(bytes, at: index)
        let end = index &+ length
        if prefix == nil, suffix == nil {
          let id = scalarIDs[scalar]
          if id > 0 {
            Self.append(id &- 1, &pending, &symbols)
          } else if !appendByteTokens(text[index..<end], &symbols) {
            try addUnknown(&pending, &symbols)
          }
        } else {
          let unit = decorated(
            text[index..<end], isFirst: index == range.lowerBound, isLast: end == range.upperBound)
          if let id = vocabulary.id(of: unit) {
            Self.append(id, &pending, &symbols)
          } else if !appendByteTokens(unit[...], &symbols) {
            try addUnknown(&pending, &symbols)
          }
        }
        index = end
      }
    }
    if pending >= 0 { symbols.append(pending) }
  }

  /// The id of a whole word that may skip the merges.
  func wholeWordID(_ word: Span<UInt8>) -> Int32? {
    if let rawBytes { rawBytes.vocabulary.id(of: word) } else { vocabulary.id(of: word) }
  }

  @inline(__always)
  private static func append(_ id: Int32, _ pending: inout Int32, _ symbols: inout [Int32]) {
    if pending >= 0 {
      symbols.append(pending)
      pending = -1
    }
    symbols.append(id)
  }

  /// Appends one token per byte when all of them exist. A pending unknown token stays pending, as in the reference.
  private func appendByteTokens(_ unit: ArraySlice<UInt8>, _ symbols: inout [Int32]) -> Bool {
    guard hasByteFallback, unit.allSatisfy({ byteTokenIDs[Int($0)] >= 0 }) else { return false }
    for byte in unit { symbols.append(byteTokenIDs[Int(byte)]) }
    return true
  }

  private func addUnknown(_ pending: inout Int32, _ symbols: inout [Int32]) throws(TokenizerError) {
    guard let unknownToken else { return }
    guard let unknownID else {
      throw TokenizerError(
        "the text needs the unknown token \"\(unknownToken)\", which is not in the vocabulary")
    }
    if pending >= 0, !fusesUnknown { symbols.append(pending) }
    pending = unknownID
  }

  private func decorated(_ unit: ArraySlice<UInt8>, isFirst: Bool, isLast: Bool) -> [UInt8] {
    var result = isFirst ? [] : prefix ?? []
    result.append(contentsOf: unit)
    if isLast, let suffix { result.append(contentsOf: suffix) }
    return result
  }

  private static func scalarIDs(_ vocabulary: Vocabulary) -> ScalarTable<Int32> {
    var table = ScalarTable<Int32>()
    vocabulary.forEach { token, id in
      guard let lead = token.first, token.count == UTF8Scalars.length(lead: lead) else { return }
      table[UTF8Scalars.decode(Array(token).span, at: 0).scalar] = id + 1
    }
    return table
  }
}
