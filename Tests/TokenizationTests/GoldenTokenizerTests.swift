import Parsing
import Testing
import Tokenization

/// Cases recorded from the reference library (tokenizers 0.23.3), all of which must be equal.
@Suite("recorded tokenizers")
struct GoldenTokenizerTests {
  static let kinds = ["gemma-spm", "gpt2", "llama2-spm", "llama3", "qwen2", "t5-unigram", "xlmr-unigram"]

  @Test("encoding, decoding, streaming and rendered chats are equal", arguments: kinds)
  func recorded(kind: String) throws {
    let tokenizer = try Fixtures.tokenizer("tokenizers/\(kind)")
    let cases = try Fixtures.json("tokenizers/\(kind)/cases.json")
    var counts = (encoding: 0, streaming: 0, chat: 0)
    for item in cases["cases"]?.array ?? [] {
      let id = item["id"]?.string ?? "?"
      let text = try #require(item["text"]?.string)
      let ids = try #require(item["ids"]).ids
      #expect(try tokenizer.encode(text, addSpecialTokens: false) == ids, "\(id)")
      #expect(try tokenizer.encode(text, addSpecialTokens: true) == item["ids_with_special"]?.ids, "\(id)")
      #expect(try tokenizer.encode(Array(text.utf8), addSpecialTokens: false) == ids, "\(id)")
      expectText(tokenizer.decode(ids, skipSpecialTokens: false), item["decoded"], id)
      expectText(tokenizer.decode(ids, skipSpecialTokens: true), item["decoded_skip_special"], id)
      counts.encoding += 1
    }
    for item in cases["streaming"]?.array ?? [] {
      try checkStreaming(item, tokenizer, isByteLevel: cases["byte_level"]?.bool == true)
      counts.streaming += 1
    }
    for item in cases["chat"]?.array ?? [] {
      let text = try #require(item["rendered"]?.string)
      #expect(
        try tokenizer.encode(text, addSpecialTokens: false) == item["ids"]?.ids,
        "\(item["name"]?.string ?? "?")")
      counts.chat += 1
    }
    print("\(kind): \(counts.encoding) encoding, \(counts.streaming) streaming, \(counts.chat) chat cases")
    #expect(counts.encoding > 100 && counts.streaming == 60)
  }

  private func checkStreaming(_ item: JSONValue, _ tokenizer: Tokenizer, isByteLevel: Bool) throws {
    let id = item["id"]?.string ?? "?"
    let ids = try #require(item["ids"]).ids
    let skips = item["skip_special_tokens"]?.bool ?? false
    var stream = tokenizer.makeStreamingDetokenizer(skipSpecialTokens: skips)
    let chunks = ids.map { stream.append($0) }
    let rest = stream.flush()
    expectText(chunks.joined() + rest, item["final"], id)
    expectText(tokenizer.decode(ids, skipSpecialTokens: skips), item["final"], id)
    guard isByteLevel, let expected = item["chunks"]?.array else { return }
    #expect(chunks.count == expected.count)
    for (chunk, wanted) in zip(chunks, expected) { expectText(chunk, wanted, id) }
    expectText(rest, item["flush"], id)
  }

  @Test("prompts of the models are equal")
  func prompts() throws {
    let models = try #require(try Fixtures.json("models/text_prompts.json").object)
    var count = 0
    for (name, prompts) in models.members {
      let tokenizer = try Fixtures.tokenizer("models/\(name)")
      for prompt in prompts.array ?? [] {
        let text = try #require(prompt["text"]?.string)
        #expect(try tokenizer.encode(text, addSpecialTokens: true) == prompt["ids"]?.ids, "\(name)")
        let greedy = try #require(prompt["greedy"]).ids
        expectText(tokenizer.decode(greedy, skipSpecialTokens: true), prompt["decoded"], name)
        expectText(tokenizer.decode(greedy, skipSpecialTokens: false), prompt["decoded_with_special"], name)
        count += 1
      }
    }
    print("\(count) prompts of \(models.count) models")
    #expect(count > 20)
  }

  /// Compares bytes: `==` on strings would let canonically equivalent texts pass.
  private func expectText(_ text: String, _ expected: JSONValue?, _ id: String) {
    #expect(Array(text.utf8) == expected?.string.map { Array($0.utf8) }, "\(id): \(text.debugDescription)")
  }
}
