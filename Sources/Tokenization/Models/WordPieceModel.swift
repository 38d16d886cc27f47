import Parsing

/// WordPiece: the longest token that starts the rest of the word, again and again; one unknown token for a word that
/// cannot be covered.
///
/// Cost: one walk through the trie per token, never longer than the longest token.
final class WordPieceModel: Sendable {
  let vocabulary: Vocabulary
  private let trie: TokenTrie
  private let unknownToken: String
  private let unknownID: Int32?
  private let largestWord: Int

  /// Where the walk starts for tokens that continue a word; nil if no token has the prefix.
  private let continuation: Int32?

  init(_ json: JSONObject) throws(TokenizerError) {
    guard let object = json["vocab"]?.object, let unknown = json["unk_token"]?.string,
      let prefix = json["continuing_subword_prefix"]?.string,
      let largest = json["max_input_chars_per_word"]?.int, largest >= 0
    else {
      throw TokenizerError(
        "the WordPiece model needs vocab, unk_token, continuing_subword_prefix and max_input_chars_per_word")
    }
    vocabulary = try Vocabulary(object, place: "the WordPiece model")
    unknownToken = unknown
    unknownID = vocabulary.id(of: unknown.utf8Span.span)
    largestWord = largest
    var keys: [(bytes: ArraySlice<UInt8>, value: Int32)] = []
    vocabulary.forEach { token, id in if !token.isEmpty { keys.append((token, id)) } }
    let trie = TokenTrie(keys)
    var node: Int32? = TokenTrie.root
    for byte in prefix.utf8 { node = node.flatMap { trie.child(of: $0, byte) } }
    continuation = node
    self.trie = trie
  }

  /// Appends the ids of a word.
  func encode(_ text: [UInt8], range: Range<Int>, into ids: inout [Int32]) throws(TokenizerError) {
    let bytes = text.span
    let first = ids.count
    guard Self.scalarCount(bytes.extracting(range)) <= largestWord else { return try appendUnknown(to: &ids) }
    var start = range.lowerBound
    while start < range.upperBound {
      let root = start == range.lowerBound ? TokenTrie.root : continuation
      guard let root, let match = trie.longest(in: bytes, at: start, end: range.upperBound, from: root) else {
        ids.removeLast(ids.count - first)
        return try appendUnknown(to: &ids)
      }
      ids.append(match.value)
      start = match.end
    }
  }

  private func appendUnknown(to ids: inout [Int32]) throws(TokenizerError) {
    guard let unknownID else {
      throw TokenizerError(
        "the text needs the unknown token \"\(unknownToken)\", which is not in the vocabulary")
    }
    ids.append(unknownID)
  }

  private static func scalarCount(_ bytes: Span<UInt8>) -> Int {
    var count = 0
    for index in bytes.indices where bytes[index] & 0xC0 != 0x80 { count += 1 }
    return count
  }
}
