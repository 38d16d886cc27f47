import TestSupport
import Testing
import Transport
import Wire

@Test(
  "the fast checksum equals the table's, for lengths around every border and any cut", arguments: seeds(4))
func fastChecksum(seed: UInt64) {
  var random = SeededGenerator(seed: seed)
  let borders = [0, 8, 256, 768, 1536, 6144, 6912, 12_288, 100_000]
  for border in borders {
    for count in max(0, border - 9)...(border + 9) {
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) }
      let start = UInt32(truncatingIfNeeded: random.next())
      let span = bytes.span
      let expected = CRC32C.table(span, start)
      let whole = FrameChecksum.fastest(span, start)
      #expect(whole == expected, "\(count) bytes, \(random)")
      let cut = count == 0 ? 0 : Int(random.next() % UInt64(count))
      let head = FrameChecksum.fastest(span.extracting(0..<cut), start)
      let rest = FrameChecksum.fastest(span.extracting(cut..<count), head)
      #expect(rest == expected, "\(count) bytes cut at \(cut), \(random)")
    }
  }
}
