import Testing
import Wire

private func frame(_ payload: [UInt8]) -> [UInt8] {
  var header = FrameHeader(
    kind: .exchange, epoch: Epoch(rawValue: 0x0102_0304_0506_0708), step: StepNumber(rawValue: 0x1112_1314),
    sequence: 0x2122_2324, round: 3, source: 5, destination: 6, payloadBytes: payload.count)
  header.flags = 0x4142_4344
  var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount) + payload
  var span = bytes.mutableSpan
  header.encode(into: &span)
  return bytes
}

private func failure(_ bytes: [UInt8], maxPayloadBytes: Int = 1000) -> FrameError? {
  do {
    _ = try FrameHeader(decoding: bytes.span, maxPayloadBytes: maxPayloadBytes)
    return nil
  } catch {
    return error
  }
}

@Test("CRC32C of the known vectors, in one piece and in two")
func checksumVectors() {
  // RFC 3720 appendix B.4, and the usual check value of the catalogue of CRCs.
  let vectors: [([UInt8], UInt32)] = [
    (Array("123456789".utf8), 0xE306_9283), (Array(repeating: 0, count: 32), 0x8A91_36AA),
    (Array(repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E), ([], 0),
  ]
  for (bytes, expected) in vectors {
    for cut in 0...bytes.count {
      let span = bytes.span
      let head = CRC32C.table(span.extracting(0..<cut))
      let whole = CRC32C.table(span.extracting(cut..<bytes.count), head)
      #expect(whole == expected)
    }
  }
}

@Test("a header's bytes are what the table of fields says, and come back")
func headerBytes() throws {
  let bytes = frame([0xAA, 0xBB])
  #expect(bytes[0..<8] == [0x4D, 0x44, 0x46, 0x31, 1, 0, 1, 0])
  #expect(bytes[8..<16] == [8, 7, 6, 5, 4, 3, 2, 1])
  #expect(bytes[16..<24] == [0x14, 0x13, 0x12, 0x11, 0, 0, 0, 0])
  #expect(bytes[24..<32] == [0x24, 0x23, 0x22, 0x21, 3, 0, 0, 0])
  #expect(bytes[32..<48] == [5, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])
  #expect(bytes[48..<60] == [0x44, 0x43, 0x42, 0x41, 0, 0, 0, 0, 0, 0, 0, 0])
  let header = try FrameHeader(decoding: bytes.span)
  #expect(header.kind == .exchange)
  #expect(header.epoch.rawValue == 0x0102_0304_0506_0708)
  #expect(header.step.rawValue == 0x1112_1314)
  #expect(header.sequence == 0x2122_2324)
  #expect(header.round == 3)
  #expect(header.source == 5)
  #expect(header.destination == 6)
  #expect(header.payloadBytes == 2)
  #expect(header.flags == 0x4142_4344)
}

@Test("every single flipped bit is noticed")
func flippedBits() {
  let good = frame(Array(0..<40))
  for bit in 0..<(good.count * 8) {
    var bad = good
    bad[bit / 8] ^= 1 << (bit % 8)
    #expect(failure(bad) != nil, "bit \(bit)")
  }
}

@Test("every shortened frame is noticed, and one over the limit")
func wrongLengths() {
  let good = frame(Array(repeating: 7, count: 100))
  for count in good.indices { #expect(failure(Array(good[..<count])) != nil, "\(count) bytes") }
  #expect(failure(good + [0])?.reason == .payloadLength(declared: 100, present: 101))
  #expect(failure(good, maxPayloadBytes: 99)?.reason == .payloadTooLong(declared: 100, limit: 99))
  #expect(failure(good, maxPayloadBytes: 100) == nil)
}

@Test("errors name the claimed sender")
func senders() {
  var bytes = frame([1, 2, 3])
  bytes[66] ^= 1
  #expect(failure(bytes)?.claimedSource == 5)
  #expect(failure(bytes).map { "\($0)".contains("rank 5") } == true)
  bytes[4] = 9
  #expect(failure(bytes)?.reason == .otherVersion(9))
}

@Test("random bytes behind a right magic never pass and never crash", arguments: 0..<8)
func randomFrames(seed: UInt64) {
  var state = seed
  func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
  for _ in 0..<2000 {
    var bytes = (0..<Int(next() % 160)).map { _ in UInt8(truncatingIfNeeded: next()) }
    if bytes.count >= 8, next() % 4 > 0 {
      bytes.replaceSubrange(0..<8, with: [0x4D, 0x44, 0x46, 0x31, 1, 0, 1, 0])
    }
    if bytes.count >= 64, next() % 2 > 0 {
      bytes.replaceSubrange(40..<48, with: [UInt8(bytes.count - 64), 0, 0, 0, 0, 0, 0, 0])
    }
    #expect(failure(bytes) != nil, "seed \(seed)")
  }
}
