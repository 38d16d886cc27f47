import Parsing

/// A unigram language model: the segmentation with the highest sum of scores, by the Viterbi algorithm (T. Kudo,
/// "Subword regularization", 2018).
///
/// Cost: one walk through the trie per character, so linear in the text for tokens of bounded length.
final class UnigramModel: Sendable {
  /// What an unknown character costs more than the worst token.
  private static let unknownPenalty = 10.0

  let vocabulary: Vocabulary

  /// How many tokens the file lists, duplicates counted.
  let size: Int
  private let trie: TokenTrie
  private let scores: [Double]
  private let unknownID: Int32?
  private let unknownScore: Double
  private let byteTokenIDs: [Int32]?

  init(_ json: JSONObject) throws(TokenizerError) {
    guard let entries = json["vocab"]?.array else {
      throw TokenizerError("the Unigram model needs \"vocab\"")
    }
    guard entries.count <= Vocabulary.largestID else {
      throw TokenizerError(
        "the Unigram model has \(entries.count) tokens, at most \(Vocabulary.largestID) are allowed")
    }
    var vocabulary = Vocabulary(capacity: entries.count)
    var scores: [Double] = []
    var keys: [(bytes: ArraySlice<UInt8>, value: Int32)] = []
    scores.reserveCapacity(entries.count)
    keys.reserveCapacity(entries.count)
    var lowest = Double.infinity
    for (id, entry) in entries.enumerated() {
      guard let token = entry[0]?.string, let score = entry[1]?.double, entry.array?.count == 2 else {
        throw TokenizerError("token \(id) of the Unigram model must be [\"token\", score]")
      }
      vocabulary.insert(token.utf8Span.span, id: Int32(id))
      scores.append(score)
      lowest = min(lowest, score)
      if !token.isEmpty { keys.append((ArraySlice(token.utf8), Int32(id))) }
    }
    unknownID = try Self.unknownID(json["unk_id"], count: entries.count)
    unknownScore = lowest - Self.unknownPenalty
    trie = TokenTrie(keys)
    self.scores = scores
    size = scores.count
    self.vocabulary = vocabulary
    let byteIDs = (0..<256).map { [vocabulary] in vocabulary.id(of: ByteToken.name(UInt8($0))) ?? -1 }
    byteTokenIDs = json["byte_fallback"]?.bool == true ? byteIDs : nil
  }

  private static func unknownID(_ json: JSONValue?, count: Int) throws(TokenizerError) -> Int32? {
    guard let json, !json.isNull else { return nil }
    guard let id = json.int, id >= 0, id < count else {
      throw TokenizerError("unk_id of the Unigram model must be 0..<\(count), not \(json)")
    }
    return Int32(id)
  }

  private struct Node: BitwiseCopyable {
    var score = 0.0
    var start: Int32 = -1
    var id: Int32 = -1
  }

  /// Appends the ids of the best segmentation of a piece.
  func encode(_ text: [UInt8], range: Range<Int>, into ids: inout [Int32]) throws(TokenizerError) {
    if range.isEmpty { return }
    let nodes = try bestPaths(text.span.extracting(range))
    // Segments from the end; unknown neighbours are one segment.
    var segments: [(range: Range<Int>, id: Int32)] = []
    var end = range.count
    while end > 0 {
      let node = nodes[end]
      let start = Int(node.start)
      if node.id == unknownID, let last = segments.last, last.id == unknownID {
        segments[segments.count - 1].range = start..<last.range.upperBound
      } else {
        segments.append((start..<end, node.id))
      }
      end = start
    }
    for segment in segments.reversed() {
      append(text.span.extracting(range).extracting(segment.range), segment.id, to: &ids)
    }
  }

  private func bestPaths(_ text: Span<UInt8>) throws(TokenizerError) -> [Node] {
    var nodes = [Node](repeating: Node(), count: text.count + 1)
    var start = 0
    while start < text.count {
      let scoreHere = nodes[start].score
      let length = UTF8Scalars.length(lead: text[start])
      var hasSingle = false
      var node = TokenTrie.root
      var index = start
      while index < text.count, let child = trie.child(of: node, text[index]) {
        node = child
        index &+= 1
        let id = trie.value(node)
        if id < 0 { continue }
        Self.relax(&nodes[index], scores[Int(id)] + scoreHere, start, id)
        if index &- start == length { hasSingle = true }
      }
      if !hasSingle {
        let score = unknownScore + scoreHere
        if nodes[start + length].start < 0 || score > nodes[start + length].score {
          guard let unknownID else {
            throw TokenizerError(
              "the text has a character that is not in the vocabulary, and unk_id is not set")
          }
          Self.relax(&nodes[start + length], score, start, unknownID)
        }
      }
      start += length
    }
    return nodes
  }

  @inline(__always)
  private static func relax(_ node: inout Node, _ score: Double, _ start: Int, _ id: Int32) {
    if node.start < 0 || score > node.score {
      node = Node(score: score, start: Int32(truncatingIfNeeded: start), id: id)
    }
  }

  private func append(_ segment: Span<UInt8>, _ id: Int32, to ids: inout [Int32]) {
    // Joined unknown characters may happen to be a token.
    if let known = id == unknownID ? vocabulary.id(of: segment) : id {
      ids.append(known)
      return
    }
    if let byteTokenIDs {
      var bytesAreKnown = true
      for index in segment.indices where byteTokenIDs[Int(segment[index])] < 0 { bytesAreKnown = false }
      if bytesAreKnown {
        for index in segment.indices { ids.append(byteTokenIDs[Int(segment[index])]) }
        return
      }
    }
    ids.append(id)
  }
}
