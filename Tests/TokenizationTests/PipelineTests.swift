import Parsing
import Testing
import Tokenization

/// Small pipelines whose results follow from their description.
@Suite("pipeline parts")
struct PipelineTests {
  /// Words of one letter or more, all of them known; an unknown token for the rest.
  private func tokenizer(
    pre: JSONValue = .null, normalizer: JSONValue = .null, decoder: JSONValue = .null, added: JSONValue = [],
    post: JSONValue = .null, words: [String]
  ) throws -> Tokenizer {
    let vocabulary = JSONObject(
      (["[UNK]"] + words).enumerated().map { (key: $1, value: .integer(Int64($0))) })
    let json: JSONValue = [
      "version": "1.0", "truncation": .null, "padding": .null, "added_tokens": added,
      "normalizer": normalizer,
      "pre_tokenizer": pre, "post_processor": post, "decoder": decoder,
      "model": ["type": "WordLevel", "unk_token": "[UNK]", "vocab": .object(vocabulary)],
    ]
    return try Tokenizer(json: JSONWriter.bytes(json))
  }

  @Test(
    "a split keeps, drops or joins its matches",
    arguments: [
      ("Removed", ["the", "final", "countdown"]),
      ("Isolated", ["the", "-", "final", "-", "-", "countdown"]),
      ("MergedWithPrevious", ["the-", "final-", "-", "countdown"]),
      ("MergedWithNext", ["the", "-final", "-", "-countdown"]),
      ("Contiguous", ["the", "-", "final", "--", "countdown"]),
    ])
  func behaviors(behavior: String, words: [String]) throws {
    var unique: [String] = []
    for word in words where !unique.contains(word) { unique.append(word) }
    let split: JSONValue = [
      "type": "Split", "pattern": ["String": "-"], "behavior": .string(behavior), "invert": false,
    ]
    let tokenizer = try tokenizer(pre: split, words: unique)
    let ids = try tokenizer.encode("the-final--countdown", addSpecialTokens: false)
    #expect(ids.map { tokenizer.idToToken($0) } == words)
  }

  @Test(
    "patterns of Oniguruma keep their meaning",
    arguments: [
      (#"\h+"#, "xBEEFz", ["x", "BEEF", "z"]), (#"\p{N}{1,3}+"#, "a12345b", ["a", "12345", "b"]),
      (#"[a-z&&[^m-p]]+"#, "abmnop", ["ab", "mnop"]), (#"(?m:.)"#, "a\n", ["a", "\n"]),
      (#"a{,2}b"#, "aab", ["aab"]),
      (#"[[:punct:]]+"#, "a+!b", ["a", "+!", "b"]), (#"\p{Han}+"#, "x漢字。", ["x", "漢字", "。"]),
      (#"(?i)ab|cd"#, "ABCDx", ["AB", "CD", "x"]), (#"\w+"#, "a\u{301}b ½", ["a\u{301}b", " ", "½"]),
      (#"[\w]+"#, "a½", ["a", "½"]), (#"\p{^L}+"#, "a12b", ["a", "12", "b"]),
    ])
  func patterns(pattern: String, text: String, words: [String]) throws {
    let split: JSONValue = [
      "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated", "invert": false,
    ]
    let tokenizer = try tokenizer(pre: split, words: words)
    #expect(try tokenizer.encode(text, addSpecialTokens: false).map { tokenizer.idToToken($0) } == words)
  }

  @Test(
    "what is not supported is refused by name",
    arguments: [
      (["type": "Mystery"], "pre-tokenizer \"Mystery\""),
      (
        [
          "type": "Split", "pattern": ["Regex": "(?~a)"],
          "behavior": "Isolated", "invert": false,
        ], "(?~"
      ),
      (["type": "Split", "pattern": ["Regex": "a("], "behavior": "Isolated", "invert": false], "a("),
      (["type": "Split", "pattern": ["Regex": "\\X"], "behavior": "Isolated", "invert": false], "\\X"),
      (["type": "Split", "pattern": ["String": "a"], "behavior": "Sideways", "invert": false], "behavior"),
      (["type": "FixedLength", "length": 0], "length"), ([1], "type"),
    ] as [(JSONValue, String)])
  func refusals(pre: JSONValue, name: String) {
    let error = #expect(throws: TokenizerError.self) { _ = try tokenizer(pre: pre, words: ["a"]) }
    #expect(error?.message.contains(name) == true, "\(error?.message ?? "")")
  }

  @Test("normal forms after one another, with marks on the first letter")
  func normalForms() throws {
    let forms: JSONValue = ["type": "Sequence", "normalizers": [["type": "NFC"], ["type": "NFKD"]]]
    let metaspace: JSONValue = [
      "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first", "split": true,
    ]
    let word = "\u{2581}e\u{301}t"
    let tokenizer = try tokenizer(pre: metaspace, normalizer: forms, words: [word])
    for text in ["e\u{301}t", "\u{E9}t"] {
      #expect(try tokenizer.encode(text, addSpecialTokens: false) == [1])
    }
  }

  @Test("added tokens strip, respect words and normalisation")
  func addedTokens() throws {
    let added: JSONValue = [
      [
        "id": 3, "content": "<m>", "single_word": false, "lstrip": true, "rstrip": true, "normalized": false,
        "special": true,
      ],
      [
        "id": 4, "content": "Tok", "single_word": true, "lstrip": false, "rstrip": false, "normalized": true,
        "special": false,
      ],
    ]
    let tokenizer = try tokenizer(
      pre: ["type": "WhitespaceSplit"], normalizer: ["type": "Lowercase"], added: added, words: ["a", "b"])
    #expect(try tokenizer.encode("a  <m> \n B", addSpecialTokens: false) == [1, 3, 2])
    #expect(try tokenizer.encode("a TOK b", addSpecialTokens: false) == [1, 4, 2])
    #expect(try tokenizer.encode("a toks b", addSpecialTokens: false) == [1, 0, 2])
    #expect(tokenizer.vocabularySize == 5)
    #expect(tokenizer.tokenToID("<m>") == 3 && tokenizer.isSpecial(3) && !tokenizer.isSpecial(4))
    #expect(tokenizer.decode([1, 3, 2], skipSpecialTokens: true) == "a b")
  }

  @Test(
    "a text in one word of a megabyte ends soon",
    arguments: [
      String(repeating: "a", count: 1 << 20), String(repeating: " ", count: 1 << 20),
      "a" + String(repeating: "\u{301}\u{323}", count: 1 << 18),
    ])
  func longWords(text: String) throws {
    for kind in ["llama2-spm", "qwen2", "t5-unigram"] {
      let tokenizer = try Fixtures.tokenizer("tokenizers/\(kind)")
      let ids = try tokenizer.encode(text, addSpecialTokens: false)
      #expect(ids.count <= text.utf8.count)
    }
  }

  @Test(
    "normalisation forms and BERT's cleaning",
    arguments: [
      (["type": "NFC"], "e\u{301}\u{1100}\u{1161}\u{11A8}", "é각"),
      (["type": "NFD"], "é각", "e\u{301}\u{1100}\u{1161}\u{11A8}"),
      (["type": "NFKC"], "ﬁ①Å", "fi1Å"), (["type": "NFKD"], "½", "1⁄2"),
      (["type": "NFC"], "a\u{323}\u{307}", "ạ\u{307}"),
      (
        [
          "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": .null,
          "lowercase": true,
        ], "Á\u{0}漢\t", "a 漢  "
      ),
      (["type": "Strip", "strip_left": true, "strip_right": true], " \u{3000}a b\n", "a b"),
      (["type": "Nmt"], "a\u{200B}b\u{1}", "a b"),
    ] as [(JSONValue, String, String)])
  func normalizers(normalizer: JSONValue, text: String, expected: String) throws {
    let tokenizer = try tokenizer(normalizer: normalizer, words: [expected])
    #expect(try tokenizer.encode(text, addSpecialTokens: false) == [1])
  }
}
