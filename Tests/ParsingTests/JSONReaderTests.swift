import Parsing
import Testing

@Suite("JSON reader")
struct JSONReaderTests {
  /// Bits that the reference tokenizers' reader made of these texts.
  @Test(
    "decimals are scaled as the reference scales them",
    arguments: [
      ("-12.458033897794039", 0xc028ea836b46f839),
      ("-15.903871311313933", 0xc02fcec83873c59e),
      ("-14.797971494798613", 0xc02d988fb84299bd),
      ("-9.312453087562107", 0xc0229ff9d9e13a1a),
      ("-4.7224847957339165e-07", 0xbe9fb12ac728833d),
      ("-3.4865055905258566e-13", 0xbd5888bae8936fbc),
      ("-5.183408379757814e-12", 0xbd96cbffbf3e6035),
      ("-8.225312392434952e-16", 0xbccda282fa47d171),
      ("-0.1234567890123456789012345", 0xbfbf9add3746f65f),
      ("-12345678901234567890123.5", 0xc484ea15b273b38a),
      ("-1.5e-310", 0x80001b9cd1295941),
      ("-3e-5", 0xbeff75104d551d69),
      ("-7.25E-2", 0xbfb28f5c28f5c28f),
      ("-123456789.123456789012345678", 0xc19d6f34547e6b76),
    ] as [(String, UInt64)])
  func scaledDecimals(text: String, bits: UInt64) throws {
    #expect(try JSONReader.parse(Array(text.utf8), decimals: .scaled) == .number(Double(bitPattern: bits)))
  }

  @Test(
    "scalars keep their kind",
    arguments: [
      ("null", JSONValue.null), ("true", .bool(true)), ("false", .bool(false)), ("0", .integer(0)),
      ("-0", .integer(0)),
      ("12", .integer(12)), ("-9223372036854775808", .integer(.min)), ("9223372036854775807", .integer(.max)),
      ("9223372036854775808", .number(9.223372036854775808e18)), ("1.5", .number(1.5)),
      ("-2.5e-3", .number(-0.0025)),
      ("1E3", .number(1000)), ("0.1", .number(0.1)), ("3.4635426998138428", .number(3.4635426998138428)),
      ("1e308", .number(1e308)), ("5e-324", .number(.leastNonzeroMagnitude)),
      ("123456789012345678901234567890", .number(1.2345678901234568e29)),
      ("\"\"", .string("")), ("\"a\\u00e9\\n\\/\"", .string("a\u{E9}\n/")),
      ("\"\\ud83d\\ude00\"", .string("😀")),
      (" [ ] ", .array([])), ("{}", .object(JSONObject())),
    ])
  func scalars(text: String, expected: JSONValue) throws {
    let value = try JSONReader.parse(text)
    #expect(value == expected)
    #expect(value.kindName == expected.kindName)
  }

  @Test(
    "what is not JSON is refused with its place",
    arguments: [
      ("", 0), (" ", 1), ("tru", 3), ("[1,]", 3), ("{\"a\":1,}", 7), ("{a:1}", 1), ("[1 2]", 3), ("01", 1),
      ("1.", 2), ("-", 1),
      (".5", 0), ("1e", 2), ("+1", 0), ("\"abc", 4), ("\"\\x\"", 2), ("\"\\ud800\"", 1), ("\"\\udc00\"", 1),
      ("\"\\ud800\\u0041\"", 1), ("\"\\u12g4\"", 5), ("\"a\nb\"", 2), ("1 1", 2), ("NaN", 0), ("[", 1),
      ("{\"a\"", 4), ("1e999", 0),
      ("\u{FEFF}1", 0), ("// x\n1", 0),
    ])
  func refusals(text: String, offset: Int) {
    let error = #expect(throws: ParseError.self) { try JSONReader.parse(text) }
    #expect(error?.byteOffset == offset, "\(text): \(String(describing: error))")
  }

  @Test(
    "invalid UTF-8 in strings and keys is refused",
    arguments: [
      [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0xFF],
    ] as [[UInt8]])
  func invalidUTF8(content: [UInt8]) {
    let quoted = [UInt8(ascii: "\"")] + content + [UInt8(ascii: "\"")]
    #expect(throws: ParseError.self) { try JSONReader.parse(quoted) }
    #expect(throws: ParseError.self) { try JSONReader.parse(Array("{".utf8) + quoted + Array(":1}".utf8)) }
  }

  @Test("depth and size are limited")
  func limits() throws {
    let deep = String(repeating: "[", count: 300) + String(repeating: "]", count: 300)
    #expect(throws: ParseError.self) { try JSONReader.parse(deep) }
    #expect(try JSONReader.parse(deep, limits: JSONLimits(maxDepth: 300)).array?.count == 1)
    #expect(throws: ParseError.self) { try JSONReader.parse("12345", limits: JSONLimits(maxBytes: 4)) }
  }

  @Test("keys are told apart by their bytes; the last duplicate wins", arguments: [2, 40])
  func keys(padding: Int) throws {
    let filler = (0..<padding).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    let value = try JSONReader.parse(
      "{\"caf\\u00e9\":1,\"cafe\\u0301\":2,\(filler),\"k0\":\"last\"}")
    #expect(value["caf\u{E9}"]?.int == 1)
    #expect(value["cafe\u{301}"]?.int == 2)
    #expect(value["k0"]?.string == "last")
    #expect(value["k1"]?.int == 1)
    #expect(value["missing"] == nil)
    #expect(value.object?.count == padding + 3)
    #expect(value.object?.keys.first?.unicodeScalars.count == 4)
  }

  @Test("accessors convert only what is exact")
  func accessors() throws {
    let value = try JSONReader.parse("[3, 3.0, 3.5, \"x\", null, true]")
    #expect(value[0]?.int == 3 && value[1]?.int == 3 && value[2]?.int == nil)
    #expect(value[0]?.double == 3 && value[3]?.double == nil)
    #expect(value[4]?.isNull == true && value[5]?.bool == true && value[6] == nil)
  }

  @Test("random values survive writing and reading", arguments: 0..<8)
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    for _ in 0..<200 {
      let value = random.json(depth: 4)
      for options in [
        JSONWriter.Options.compact, .spaced, .pretty, .init(ensureASCII: true, sortedKeys: true),
      ] {
        let bytes = JSONWriter.bytes(value, options: options)
        #expect(
          try JSONReader.parse(bytes) == value, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
      }
    }
  }

  @Test("damaged text never does worse than throw", arguments: 0..<8)
  func damage(seed: UInt64) {
    var random = SplitMix(seed: seed)
    for _ in 0..<300 {
      var bytes = JSONWriter.bytes(random.json(depth: 3))
      for _ in 0..<3 {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        bytes[index] = UInt8.random(in: 0...255, using: &random)
      }
      if let value = try? JSONReader.parse(bytes) {
        #expect((try? JSONReader.parse(JSONWriter.bytes(value))) == value, "seed \(seed)")
      }
    }
  }
}

/// The splitmix64 generator: a seed reproduces the whole test.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  mutating func json(depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
    case 0: .null
    case 1: .bool(.random(using: &self))
    case 2: .integer(Int64(bitPattern: next()) >> Int64.random(in: 0..<63, using: &self))
    case 3: .number(Double.random(in: -1e6...1e6, using: &self))
    case 4: .number(finiteDouble())
    case 5: .string(text())
    case 6: .array((0..<Int.random(in: 0..<5, using: &self)).map { _ in json(depth: depth - 1) })
    default:
      .object(
        JSONObject(
          (0..<Int.random(in: 0..<20, using: &self)).map {
            (key: "\($0)" + text(), value: json(depth: depth - 1))
          }))
    }
  }

  mutating func finiteDouble() -> Double {
    while true {
      let value = Double(bitPattern: next())
      if value.isFinite { return value }
    }
  }

  mutating func text() -> String {
    let alphabet: [Character] = ["a", "\"", "\\", "\n", "\u{1}", "é", "漢", "😀", "\u{7F}", " ", "/"]
    return String(
      (0..<Int.random(in: 0..<8, using: &self)).map { _ in alphabet.randomElement(using: &self)! })
  }
}
