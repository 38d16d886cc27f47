import Parsing
import Testing

@Suite("byte reader and writer")
struct ByteCodecTests {
  @Test("every field comes back")
  func roundTrip() throws {
    var writer = ByteWriter()
    writer.u8(7)
    writer.u16(0xBEEF)
    writer.u32(0xDEAD_BEEF)
    writer.u64(.max - 1)
    writer.i32(-5)
    writer.i64(.min)
    writer.f32(-1.5)
    writer.f64(.pi)
    writer.bool(true)
    writer.lengthPrefixedBytes([1, 2, 3])
    writer.lengthPrefixedString("né😀")
    writer.raw([9])
    writer.overwriteU32(0x0102_0304, at: 3)
    #expect(Array(writer.bytes[1...6]) == [0xEF, 0xBE, 4, 3, 2, 1])

    let bytes = writer.bytes
    var reader = ByteReader(bytes.span)
    #expect(try reader.u8() == 7)
    #expect(try reader.u16() == 0xBEEF)
    #expect(try reader.u32() == 0x0102_0304)
    #expect(try reader.u64() == .max - 1)
    #expect(try reader.i32() == -5)
    #expect(try reader.i64() == .min)
    #expect(try reader.f32() == -1.5)
    #expect(try reader.f64() == .pi)
    #expect(try reader.bool())
    #expect(try reader.lengthPrefixedBytes() == [1, 2, 3])
    #expect(try reader.lengthPrefixedString() == "né😀")
    #expect(try reader.bytes(count: 1) == [9])
    try reader.expectEnd()
  }

  @Test("every prefix is refused, at the field that is cut")
  func truncation() throws {
    var writer = ByteWriter()
    writer.u32(1)
    writer.lengthPrefixedString("abc")
    writer.u64(2)
    for length in 0..<writer.count {
      let bytes = Array(writer.bytes[..<length])
      var refused = false
      do {
        var reader = ByteReader(bytes.span)
        _ = try reader.u32("first")
        _ = try reader.lengthPrefixedString("name")
        _ = try reader.u64("last")
      } catch {
        refused = true
        #expect(error.byteOffset <= length)
      }
      #expect(refused, "\(length) bytes")
    }
  }

  @Test("lengths, counts, booleans, UTF-8 and the end are checked")
  func hostile() {
    let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0]
    let notUTF8: [UInt8] = [2, 0, 0, 0, 0xC3, 0x28]
    #expect(message(huge) { _ = try $0.lengthPrefixedBytes("name") }?.contains("name") == true)
    #expect(message(huge) { _ = try $0.count(of: 8, atMost: 10, "items") }?.contains("at most 10") == true)
    #expect(message(notUTF8) { _ = try $0.lengthPrefixedString() }?.contains("UTF-8") == true)
    #expect(message([2]) { _ = try $0.bool("flag") }?.contains("flag must be 0 or 1") == true)
    #expect(message([2]) { try $0.expectEnd() }?.contains("1 bytes follow") == true)
    #expect(message([2]) { try $0.skip(-1) } != nil)
  }

  private func message(_ bytes: [UInt8], _ read: (inout ByteReader) throws -> Void) -> String? {
    var reader = ByteReader(bytes.span)
    do {
      try read(&reader)
      return nil
    } catch {
      return "\(error)"
    }
  }
}
