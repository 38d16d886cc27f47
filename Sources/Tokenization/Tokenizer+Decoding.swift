extension Tokenizer {
  /// The text of a list of ids; ids without token are left out.
  ///
  /// - Parameter skipSpecialTokens: whether special tokens are left out as well.
  package func decode(_ ids: [Int32], skipSpecialTokens: Bool) -> String {
    var run = DecoderRun(decoder)
    for id in ids {
      if let token = decodableToken(id, skipSpecialTokens) { run.push(token) }
    }
    run.finish()
    return String(decoding: run.output, as: UTF8.self)
  }

  package func makeStreamingDetokenizer(skipSpecialTokens: Bool) -> StreamingDetokenizer {
    StreamingDetokenizer(self, skipSpecialTokens: skipSpecialTokens)
  }

  func decodableToken(_ id: Int32, _ skipSpecialTokens: Bool) -> ArraySlice<UInt8>? {
    guard let token = tokenBytes(id) else { return nil }
    return skipSpecialTokens && added.isSpecial(Array(token)) ? nil : token
  }
}

/// Decodes ids that arrive one by one.
///
/// Never returns part of a character; all parts together are what `decode` makes of all ids. Text comes as soon as no
/// later id can change it: bytes of a character when it is complete, byte-fallback tokens when another token ends them.
package struct StreamingDetokenizer: Sendable {
  private let tokenizer: Tokenizer
  private let skipSpecialTokens: Bool
  private var run: DecoderRun

  init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool) {
    self.tokenizer = tokenizer
    self.skipSpecialTokens = skipSpecialTokens
    run = DecoderRun(tokenizer.decoder)
  }

  /// The text that this id decides.
  package mutating func append(_ id: Int32) -> String {
    if let token = tokenizer.decodableToken(id, skipSpecialTokens) { run.push(token) }
    return takeOutput()
  }

  /// The rest, after the last id. The detokenizer may be used again for another text.
  package mutating func flush() -> String {
    run.finish()
    let text = takeOutput()
    run = DecoderRun(tokenizer.decoder)
    return text
  }

  private mutating func takeOutput() -> String {
    if run.output.isEmpty { return "" }
    let text = String(decoding: run.output, as: UTF8.self)
    run.output.removeAll(keepingCapacity: true)
    return text
  }
}
