import Parsing

/// The part of a tokenizer that turns one piece of text into ids.
enum TokenModel: Sendable {
  case bytePair(BytePairModel)
  case unigram(UnigramModel)
  case wordPiece(WordPieceModel)
  case wordLevel(WordLevelModel)

  /// - Parameter endsInByteLevel: the last pre-tokenizer is `ByteLevel`, the only one that maps bytes.
  init(_ json: JSONValue?, endsInByteLevel: Bool) throws(TokenizerError) {
    guard let object = json?.object else { throw TokenizerError("tokenizer.json has no \"model\"") }
    switch object["type"]?.string ?? Self.impliedType(object) {
    case "BPE": self = .bytePair(try BytePairModel(object, readsRawBytes: endsInByteLevel))
    case "Unigram": self = .unigram(try UnigramModel(object))
    case "WordPiece": self = .wordPiece(try WordPieceModel(object))
    case "WordLevel": self = .wordLevel(try WordLevelModel(object))
    case let type:
      throw TokenizerError(
        "the model type \"\(type)\" is not supported; supported are BPE, Unigram, WordPiece and WordLevel")
    }
  }

  /// Old files leave the type out.
  private static func impliedType(_ object: JSONObject) -> String {
    if object["merges"] != nil { return "BPE" }
    if object["continuing_subword_prefix"] != nil { return "WordPiece" }
    if object["vocab"]?.object != nil { return "WordLevel" }
    return "Unigram"
  }

  var vocabulary: Vocabulary {
    switch self {
    case .bytePair(let model): model.vocabulary
    case .unigram(let model): model.vocabulary
    case .wordPiece(let model): model.vocabulary
    case .wordLevel(let model): model.vocabulary
    }
  }

  /// The first id that is free for added tokens.
  var size: Int {
    if case .unigram(let model) = self { return model.size }
    return vocabulary.count
  }

  /// True if the model wants raw bytes, so that the mapping of `ByteLevel` must be left out.
  var readsRawBytes: Bool {
    if case .bytePair(let model) = self { return model.rawBytes != nil }
    return false
  }
}

/// Encodes pieces of one text; keeps what helps with the next piece.
struct TokenEncoder {
  private let model: TokenModel
  private var cache = WordCache()
  private var merger = BytePairMerger()

  init(_ model: TokenModel) { self.model = model }

  /// Appends the ids of the piece.
  mutating func encode(_ text: [UInt8], range: Range<Int>, into ids: inout [Int32]) throws(TokenizerError) {
    if range.isEmpty { return }
    switch model {
    case .bytePair(let model): try encode(text, range, model, &ids)
    case .unigram(let model): try model.encode(text, range: range, into: &ids)
    case .wordPiece(let model): try model.encode(text, range: range, into: &ids)
    case .wordLevel(let model): try model.encode(text, range: range, into: &ids)
    }
  }

  private mutating func encode(
    _ text: [UInt8], _ range: Range<Int>, _ model: BytePairModel, _ ids: inout [Int32]
  ) throws(TokenizerError) {
    if model.ignoresMerges, let id = model.wholeWordID(text.span.extracting(range)) {
      ids.append(id)
      return
    }
    guard let cut = model.cutScalar, model.rawBytes == nil else {
      return try encodeWord(text, range, model, &ids)
    }
    let bytes = text.span
    var start = range.lowerBound
    var index = start
    var previousIsCut = true
    while index < range.upperBound {
      let isCut = bytes[index] == cut[0] && bytes[index &+ 1] == cut[1] && bytes[index &+ 2] == cut[2]
      if isCut, !previousIsCut {
        try encodeWord(text, start..<index, model, &ids)
        start = index
      }
      previousIsCut = isCut
      index &+= UTF8Scalars.length(lead: bytes[index])
    }
    try encodeWord(text, start..<range.upperBound, model, &ids)
  }

  private mutating func encodeWord(
    _ text: [UInt8], _ range: Range<Int>, _ model: BytePairModel, _ ids: inout [Int32]
  ) throws(TokenizerError) {
    let isCached = WordCache.accepts(range)
    var hash: UInt64 = 0
    if isCached {
      let word = text.span.extracting(range)
      hash = ByteHash.hash(word)
      if cache.append(word, hash: hash, to: &ids) { return }
    }
    merger.symbols.removeAll(keepingCapacity: true)
    try model.appendSymbols(of: text, range: range, to: &merger.symbols)
    merger.merge(model.merges)
    if isCached { cache.insert(text.span.extracting(range), hash: hash, ids: merger.symbols[...]) }
    ids.append(contentsOf: merger.symbols)
  }
}
