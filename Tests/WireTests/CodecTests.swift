import Parsing
import Testing
import Wire

/// Seeded randomness for the mutations.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct CodecTests {
  private func decodedAgain(_ message: some WireMessage) throws -> [UInt8] {
    try type(of: message).init(decoding: message.encoded()).encoded()
  }

  @Test func everyMessageComesBack() throws {
    for message in Samples.all {
      #expect(try decodedAgain(message) == message.encoded(), "\(type(of: message))")
    }
    #expect(try StepPlan(decoding: Samples.plan.encoded()) == Samples.plan)
    #expect(try StepResult(decoding: Samples.result.encoded()) == Samples.result)
    #expect(try Hello(decoding: Samples.hello.encoded()) == Samples.hello)
    #expect(try SamplingParameters(decoding: Samples.sampling.encoded()) == Samples.sampling)
  }

  /// The bytes of the protocol's version 1; a change here needs a new `Hello.currentProtocolVersion`.
  @Test func goldenBytes() {
    func hex(_ message: some WireMessage) -> String {
      message.encoded().map { byte in
        let text = String(byte, radix: 16)
        return text.count == 1 ? "0" + text : text
      }.joined()
    }
    #expect(Hello.currentProtocolVersion == 1)
    #expect(
      hex(Samples.hello)
        == "02000000" + "6231" + "01000000" + "03000000" + "01000000" + "92100000" + "06000000"
        + "6e6f64652d37"
        + "04000000" + "61767832" + "02000000")
    let sampling =
      "0111000000" + "02000000" + "0000003f" + "0000403f" + "28000000" + "0000003e" + "0000a03f" + "000000bf"
      + "0000803e" + "010807060504030201" + "01000000" + "03000000" + "c3a90a" + "02000000" + "05000000"
      + "09000000" + "01" + "0103000000" + "02000000" + "02000000" + "01000000" + "000080bf" + "06000000"
      + "00000040"
    #expect(hex(Samples.sampling) == sampling)
    let admission =
      "01000000" + "0b00000000000000" + sampling + "4d00000000000000" + "01000000" + "02000000" + "03000000"
      + "0a000000" + "0b000000" + "0c000000" + "01000000" + "0d000000"
    let chunks =
      "02000000" + "01000000" + "02000000" + "02000000" + "0c000000" + "0d000000" + "010e000000" + "02000000"
      + "04000000" + "00000000" + "05" + "00000000" + "00000000" + "01000000" + "07000000" + "00" + "01000000"
      + "01000000" + "00"
    #expect(
      hex(Samples.plan)
        == "0100000000000000" + "0201000000000000" + "02000000" + "01000000" + "03000000" + "01000000"
        + admission
        + chunks + "00000000" + "00000000" + "00000000")
    #expect(
      hex(Samples.result)
        == "0100000000000000" + "0201000000000000" + "01000000" + "02000000" + "01000000" + "0e000000" + "01"
        + "000000bf" + "02000000" + "0e000000" + "000000bf" + "03000000" + "000000c0" + "00000000"
        + "08000000"
        + "00" + "01000000" + "01000000" + "03" + "02000000" + "02000000" + "01000000" + "02000000"
        + "08000000"
        + "0001020304050607" + "02000000" + "04000000" + "00000000" + "e803000000000000" + "c800000000000000"
        + "1e00000000000000" + "0010000000000000")
  }

  @Test func everyTruncationIsRefused() {
    func check<Message: WireMessage>(_ message: Message) {
      let bytes = message.encoded()
      for length in bytes.indices {
        #expect(throws: ParseError.self, "\(Message.self) cut to \(length) bytes") {
          try Message(decoding: Array(bytes[..<length]))
        }
      }
      #expect(throws: ParseError.self, "\(Message.self) with a byte too many") {
        try Message(decoding: bytes + [0])
      }
    }
    for message in Samples.all { check(message) }
  }

  /// Whatever bytes come: an error, or a value that writes exactly those bytes.
  @Test(arguments: 0..<16) func mutationsNeverTrap(seed: Int) {
    var random = SplitMix64(state: UInt64(seed))
    func check<Message: WireMessage>(_ message: Message) {
      let original = message.encoded()
      for _ in 0..<200 {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let offset = Int.random(in: 0..<bytes.count, using: &random)
          switch Int.random(in: 0..<5, using: &random) {
          case 0: bytes[offset] = UInt8.random(in: 0...255, using: &random)
          case 1: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
          case 2: bytes[offset] = [0, 1, 127, 128, 255].randomElement(using: &random)!
          case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: offset)
          default: if bytes.count > 1 { bytes.remove(at: offset) }
          }
        }
        if let decoded = try? Message(decoding: bytes) {
          #expect(decoded.encoded() == bytes, "\(Message.self), seed \(seed)")
        }
      }
    }
    for message in Samples.all { check(message) }
  }

  @Test func hugeCountsAreRefusedBeforeAllocating() {
    var writer = ByteWriter()
    writer.u64(1)
    writer.u64(1)
    writer.u32(0x7fff_ffff)
    let bytes = writer.bytes
    #expect(throws: ParseError.self) { try StepPlan(decoding: bytes) }
  }

  @Test func payloadElements() {
    let payload = StepPayload(
      slot: 0, kind: .scores, startPosition: 0, rows: 2, columns: 1,
      bytes: [0, 0, 0x80, 0x3f, 0xff, 0xff, 0xff, 0xff])
    #expect(payload.floats[0] == 1)
    #expect(payload.integers[1] == -1)
  }
}
