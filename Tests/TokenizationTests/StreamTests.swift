import Parsing
import Testing
import Tokenization

@Suite("streams of text")
struct StreamTests {
  @Test("random ids: streamed parts are whole characters and add up", arguments: GoldenTokenizerTests.kinds)
  func streaming(kind: String) throws {
    let tokenizer = try Fixtures.tokenizer("tokenizers/\(kind)")
    var random = SeededRandom(seed: 7)
    for round in 0..<100 {
      let ids = (0..<40).map { _ in Int32.random(in: -1..<Int32(tokenizer.vocabularySize + 3), using: &random)
      }
      let skips = Bool.random(using: &random)
      var stream = tokenizer.makeStreamingDetokenizer(skipSpecialTokens: skips)
      let parts = ids.map { stream.append($0) } + [stream.flush()]
      let whole = tokenizer.decode(ids, skipSpecialTokens: skips)
      #expect(parts.flatMap { Array($0.utf8) } == Array(whole.utf8), "seed 7, round \(round): \(ids)")
    }
  }

  @Test(
    "a stop string never leaks, however the text is cut",
    arguments: [
      (["END"], "some ENtext ENDing", "some ENtext "), (["\n\n"], "a\nb\n\nc", "a\nb"),
      (["abcd", "bc"], "xabcd", "xa"),
      (["é!"], "café! no", "caf"), ([], "all of it", "all of it"), (["", "x"], "yyxz", "yy"),
      (["zzz"], "a zz", "a zz"),
    ])
  func stopStrings(stops: [String], text: String, expected: String) {
    var random = SeededRandom(seed: 11)
    for _ in 0..<50 {
      var filter = StopStringFilter(stops)
      var shown = ""
      var stopped = false
      var rest = Array(text)[...]
      while !rest.isEmpty {
        let part = String(rest.prefix(Int.random(in: 1...4, using: &random)))
        rest = rest.dropFirst(part.count)
        let step = filter.append(part)
        shown += step.text
        stopped = step.stopped
        #expect(expected.hasPrefix(shown))
      }
      shown += filter.flush()
      #expect(shown == expected)
      #expect(stopped == (expected != text))
    }
  }

  @Test("JSON lines in, JSON lines out, errors as objects")
  func lines() throws {
    let lines = TextLines(try Fixtures.tokenizer("tokenizers/llama3"))
    func tokenized(_ line: String, special: Bool = false) -> String {
      String(decoding: lines.tokenize(Array(line.utf8), addSpecialTokens: special), as: UTF8.self)
    }
    func detokenized(_ line: String) -> String {
      String(decoding: lines.detokenize(Array(line.utf8), skipSpecialTokens: true), as: UTF8.self)
    }
    let ids = tokenized(#""caf\u00e9 \ud83d\ude00\n""#)
    #expect(detokenized(ids) == #""café 😀\n""#)
    #expect(try JSONReader.parse(tokenized(#""a""#, special: true))[0]?.int == 4096)
    for bad in [
      tokenized("17"), tokenized("\"open"), detokenized("[1.5]"), detokenized("[-1]"), detokenized("{}"),
    ] {
      #expect(try JSONReader.parse(bad)["error"]?.string?.isEmpty == false, "\(bad)")
    }
    var splitter = LineSplitter()
    #expect(splitter.append(Array("a\r\nb".utf8)) == [Array("a".utf8)])
    #expect(splitter.append(Array("c\n\nd".utf8)) == [Array("bc".utf8), []])
    #expect(splitter.finish() == Array("d".utf8))
  }
}

/// The splitmix64 generator.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
