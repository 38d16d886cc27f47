import Parsing

/// A tokenizer as a Hugging Face `tokenizer.json` states it: normalizer, pre-tokenizer, model, post-processor, decoder
/// and added tokens.
///
/// Immutable and shareable; `encode` and `decode` may run on any number of threads. Parts that are not supported are
/// refused by name when loading.
package final class Tokenizer: Sendable {
  let model: TokenModel
  let added: AddedVocabulary
  let decoder: DecoderPipeline
  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer?
  private let postProcessor: PostProcessor?
  private let truncation: TruncationRule?
  private let padding: PaddingRule?

  /// From the bytes of a `tokenizer.json`.
  package convenience init(json bytes: [UInt8]) throws(TokenizerError) {
    let json: JSONValue
    do {
      json = try JSONReader.parse(bytes, decimals: .scaled)
    } catch {
      throw TokenizerError("tokenizer.json cannot be read: \(error)")
    }
    try self.init(json)
  }

  init(_ json: JSONValue) throws(TokenizerError) {
    guard let object = json.object else {
      throw TokenizerError("tokenizer.json must be an object, not \(json.kindName)")
    }
    if let version = object["version"]?.string, version != "1.0" {
      throw TokenizerError("tokenizer.json has version \"\(version)\"; only \"1.0\" is known")
    }
    func part(_ name: String) -> JSONValue? {
      guard let value = object[name], !value.isNull else { return Optional.none }
      return value
    }
    let normalizer = try part("normalizer").map { value throws(TokenizerError) in try Normalizer(value) }
    let preTokenizer = try part("pre_tokenizer").map { value throws(TokenizerError) in try PreTokenizer(value)
    }
    model = try TokenModel(part("model"), endsInByteLevel: preTokenizer?.endsInByteLevel ?? false)
    self.normalizer = normalizer
    self.preTokenizer = model.readsRawBytes ? preTokenizer?.leavingBytes : preTokenizer
    added = try AddedVocabulary(part("added_tokens"), model: model, normalizer: normalizer)
    postProcessor = try part("post_processor").map { value throws(TokenizerError) in try PostProcessor(value)
    }
    decoder = try DecoderPipeline(part("decoder"))
    truncation = try TruncationRule(object["truncation"])
    padding = try PaddingRule(object["padding"])
  }

  /// Tokens of the model and added ones.
  package var vocabularySize: Int { model.vocabulary.count + added.countOutside(model.vocabulary) }

  /// The token with this id as the decoder sees it; nil for an id without token.
  package func idToToken(_ id: Int32) -> String? {
    tokenBytes(id).map { String(decoding: $0, as: UTF8.self) }
  }

  package func tokenToID(_ token: String) -> Int32? {
    added.id(of: Array(token.utf8)) ?? model.vocabulary.id(of: token.utf8Span.span)
  }

  /// True for added tokens marked special, such as `<|im_end|>`.
  package func isSpecial(_ id: Int32) -> Bool { tokenBytes(id).map { added.isSpecial(Array($0)) } ?? false }

  func tokenBytes(_ id: Int32) -> ArraySlice<UInt8>? {
    added.tokens[id].map { $0.text[...] } ?? model.vocabulary.token(id)
  }

  /// The ids of a text.
  ///
  /// - Parameter addSpecialTokens: whether the post-processor adds its tokens, such as a beginning-of-text.
  /// - Throws: only where the text needs an unknown token that the vocabulary lacks, or the file's own truncation cannot
  ///   be done.
  package func encode(_ text: String, addSpecialTokens: Bool) throws(TokenizerError) -> [Int32] {
    try encode(valid: Array(text.utf8), addSpecialTokens: addSpecialTokens)
  }

  /// The ids of a text given as UTF-8.
  package func encode(_ text: [UInt8], addSpecialTokens: Bool) throws(TokenizerError) -> [Int32] {
    do {
      _ = try UTF8Span(validating: text.span)
    } catch {
      throw TokenizerError("the text is not valid UTF-8 at byte \(error.byteOffsets.lowerBound)")
    }
    return try encode(valid: text, addSpecialTokens: addSpecialTokens)
  }

  private func encode(valid text: [UInt8], addSpecialTokens: Bool) throws(TokenizerError) -> [Int32] {
    var ids: [Int32] = []
    ids.reserveCapacity(text.count / 3 + 8)
    var encoder = TokenEncoder(model)
    for part in added.parts(of: text, added.rawTrie) {
      if part.id >= 0 { ids.append(part.id) } else { try encode(text, part, &encoder, &ids) }
    }
    if let truncation {
      ids = try truncation.apply(to: ids, addedCount: addSpecialTokens ? postProcessor?.addedCount ?? 0 : 0)
    }
    if let postProcessor {
      let parts = try postProcessor.apply(to: [ids], addSpecialTokens: addSpecialTokens)
      ids = parts.count == 1 ? parts[0] : Array(parts.joined())
    }
    return padding?.apply(to: ids) ?? ids
  }

  /// Normalises a stretch between added tokens, takes out the added tokens that are normalised too, encodes the rest.
  private func encode(
    _ text: [UInt8], _ part: AddedVocabulary.Part, _ encoder: inout TokenEncoder, _ ids: inout [Int32]
  ) throws(TokenizerError) {
    if part.start >= part.end { return }
    let isWhole = part.start == 0 && part.end == text.count
    var normalized = NormalizedText(
      original: isWhole ? text : Array(text[part.start..<part.end]), offset: part.start)
    normalizer?.apply(to: &normalized)
    for inner in added.parts(of: normalized.bytes, added.normalizedTrie) {
      if inner.id >= 0 {
        ids.append(inner.id)
        continue
      }
      if inner.start >= inner.end { continue }
      var piece = normalized
      if inner.start > 0 || inner.end < normalized.bytes.count {
        piece = NormalizedText(
          bytes: Array(normalized.bytes[inner.start..<inner.end]),
          leadingCount: min(max(0, normalized.leadingCount - inner.start), inner.end - inner.start))
      }
      var pieces = Pieces(piece)
      preTokenizer?.apply(to: &pieces)
      for piece in pieces.pieces {
        try encoder.encode(pieces.text, range: piece.start..<piece.end, into: &ids)
      }
    }
  }
}
