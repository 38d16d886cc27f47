import Parsing

/// A token that is found in the text before the model sees it.
struct AddedToken: Sendable {
  var content: [UInt8]
  /// What the normalizer makes of the content, where it may change it.
  var normalizedContent: [UInt8]?
  var isSpecial: Bool
  var isSingleWord: Bool
  var stripsLeft: Bool
  var stripsRight: Bool
  var isNormalized: Bool

  init(_ json: JSONValue) throws(TokenizerError) {
    guard let content = json["content"]?.string else {
      throw TokenizerError("an entry of \"added_tokens\" has no \"content\"")
    }
    self.content = Array(content.utf8)
    isSpecial = json["special"]?.bool ?? false
    isSingleWord = json["single_word"]?.bool ?? false
    stripsLeft = json["lstrip"]?.bool ?? false
    stripsRight = json["rstrip"]?.bool ?? false
    isNormalized = json["normalized"]?.bool ?? !isSpecial
  }

  /// How the token reads when decoding.
  var text: [UInt8] { normalizedContent ?? content }

  func hasSameFields(as other: AddedToken) -> Bool {
    content == other.content && isSpecial == other.isSpecial && isSingleWord == other.isSingleWord
      && stripsLeft == other.stripsLeft && stripsRight == other.stripsRight
      && isNormalized == other.isNormalized
  }
}

/// The added tokens of a tokenizer: their ids, and how they are found.
///
/// As in the reference, ids come from the model's vocabulary or are counted on from its size; the `id` in the file is
/// not looked at.
struct AddedVocabulary: Sendable {
  private(set) var tokens: [Int32: AddedToken] = [:]
  private var ids: [[UInt8]: Int32] = [:]
  private var specialTexts: Set<[UInt8]> = []

  /// Found in the text as it is.
  private(set) var rawTrie: TokenTrie?
  /// Found in the normalised text.
  private(set) var normalizedTrie: TokenTrie?

  init(_ json: JSONValue?, model: TokenModel, normalizer: Normalizer?) throws(TokenizerError) {
    var nextID = Int32(model.size)
    for entry in json?.array ?? [] {
      var token = try AddedToken(entry)
      if token.content.isEmpty { continue }
      if let id = ids[token.content], tokens[id]?.hasSameFields(as: token) == true { continue }
      var id = ids[token.content] ?? model.vocabulary.id(of: token.content)
      if id == nil {
        id = nextID
        nextID += 1
      }
      guard let id, Int(id) <= Vocabulary.largestID else {
        throw TokenizerError("there are too many added tokens")
      }
      if token.isNormalized, let normalizer {
        var text = NormalizedText(original: token.content, offset: 0)
        normalizer.apply(to: &text)
        if text.bytes != token.content { token.normalizedContent = text.bytes }
      }
      ids[token.content] = id
      if token.isSpecial { specialTexts.insert(token.content) }
      tokens[id] = token
    }
    rawTrie = Self.trie(tokens.filter { !$0.value.isNormalized })
    normalizedTrie = Self.trie(tokens.filter { $0.value.isNormalized })
  }

  private static func trie(_ tokens: [Int32: AddedToken]) -> TokenTrie? {
    let keys = tokens.sorted { $0.key > $1.key }.map { (bytes: $0.value.text[...], value: $0.key) }
      .filter { !$0.bytes.isEmpty }
    return keys.isEmpty ? nil : TokenTrie(keys)
  }

  func id(of token: [UInt8]) -> Int32? { ids[token] }

  func isSpecial(_ text: [UInt8]) -> Bool { specialTexts.contains(text) }

  /// How many added tokens the model's vocabulary does not have.
  func countOutside(_ vocabulary: Vocabulary) -> Int {
    ids.keys.reduce(0) { vocabulary.id(of: $1) == nil ? $0 + 1 : $0 }
  }

  /// A stretch of text, or an added token (`id` of at least zero) with the white space that it takes with it.
  struct Part: BitwiseCopyable {
    var start: Int
    var end: Int
    var id: Int32
  }

  /// Cuts a text at the added tokens in it, leftmost first and longest among those (A. V. Aho, M. J. Corasick, 1975, by
  /// a walk from every possible start: tokens are short).
  func parts(of text: [UInt8], _ trie: TokenTrie?) -> [Part] {
    guard let trie else { return [Part(start: 0, end: text.count, id: -1)] }
    let bytes = text.span
    var parts: [Part] = []
    var done = 0
    var index = 0
    while index < bytes.count {
      guard trie.hasRoot(bytes[index]), let match = trie.longest(in: bytes, at: index, end: bytes.count),
        let token = tokens[match.value]
      else {
        index &+= 1
        continue
      }
      var start = index
      var end = match.end
      index = match.end
      if token.isSingleWord, Self.endsWithWord(bytes, start) || Self.startsWithWord(bytes, end) { continue }
      if token.stripsLeft {
        start = max(Self.spaceStart(bytes, before: start, floor: min(done, start)), done)
      }
      if token.stripsRight { end = Self.spaceEnd(bytes, after: end) }
      if done < start { parts.append(Part(start: done, end: start, id: -1)) }
      // White space taken by the token before may leave nothing of this one: it is lost, as in the reference.
      if start < end { parts.append(Part(start: start, end: end, id: match.value)) }
      done = end
    }
    if done != bytes.count { parts.append(Part(start: done, end: bytes.count, id: -1)) }
    return parts
  }

  private static func endsWithWord(_ bytes: Span<UInt8>, _ end: Int) -> Bool {
    if end == 0 { return false }
    return ScalarClass.isWord(UTF8Scalars.decode(bytes, at: UTF8Scalars.start(before: end, in: bytes)).scalar)
  }

  private static func startsWithWord(_ bytes: Span<UInt8>, _ start: Int) -> Bool {
    start < bytes.count && ScalarClass.isWord(UTF8Scalars.decode(bytes, at: start).scalar)
  }

  private static func spaceStart(_ bytes: Span<UInt8>, before end: Int, floor: Int) -> Int {
    var start = end
    while start > floor {
      let index = UTF8Scalars.start(before: start, in: bytes)
      guard ScalarClass.isWhitespace(UTF8Scalars.decode(bytes, at: index).scalar) else { break }
      start = index
    }
    return start
  }

  private static func spaceEnd(_ bytes: Span<UInt8>, after start: Int) -> Int {
    var end = start
    while end < bytes.count {
      let (scalar, length) = UTF8Scalars.decode(bytes, at: end)
      guard ScalarClass.isWhitespace(scalar) else { break }
      end += length
    }
    return end
  }
}
