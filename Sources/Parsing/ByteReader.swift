/// Reads little-endian fields from bytes that came from outside; never beyond the end.
///
/// Every read throws a `ParseError` naming the field when fewer bytes remain than it needs. Lengths are checked against
/// what remains before anything is allocated.
package struct ByteReader: ~Escapable {
  private let bytes: Span<UInt8>

  /// Offset of the next byte.
  package private(set) var position = 0

  @_lifetime(copy bytes)
  package init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  package var remaining: Int { bytes.count - position }
  package var isAtEnd: Bool { position == bytes.count }

  package mutating func u8(_ field: StaticString = "byte") throws(ParseError) -> UInt8 {
    try require(1, field)
    position += 1
    return bytes[position - 1]
  }

  package mutating func u16(_ field: StaticString = "u16") throws(ParseError) -> UInt16 {
    UInt16(truncatingIfNeeded: try littleEndian(2, field))
  }

  package mutating func u32(_ field: StaticString = "u32") throws(ParseError) -> UInt32 {
    UInt32(truncatingIfNeeded: try littleEndian(4, field))
  }

  package mutating func u64(_ field: StaticString = "u64") throws(ParseError) -> UInt64 {
    try littleEndian(8, field)
  }

  package mutating func i32(_ field: StaticString = "i32") throws(ParseError) -> Int32 {
    Int32(bitPattern: try u32(field))
  }

  package mutating func i64(_ field: StaticString = "i64") throws(ParseError) -> Int64 {
    Int64(bitPattern: try u64(field))
  }

  package mutating func f32(_ field: StaticString = "f32") throws(ParseError) -> Float {
    Float(bitPattern: try u32(field))
  }

  package mutating func f64(_ field: StaticString = "f64") throws(ParseError) -> Double {
    Double(bitPattern: try u64(field))
  }

  /// A byte that must be 0 or 1.
  package mutating func bool(_ field: StaticString = "bool") throws(ParseError) -> Bool {
    let byte = try u8(field)
    guard byte <= 1 else {
      throw ParseError(message: "\(field) must be 0 or 1, not \(byte)", byteOffset: position - 1)
    }
    return byte == 1
  }

  /// A u32 that says how many elements of at least `minimumElementBytes` follow: refused when they cannot all be there.
  package mutating func count(
    of minimumElementBytes: Int, atMost limit: Int = Int(Int32.max), _ field: StaticString = "count"
  ) throws(ParseError) -> Int {
    let start = position
    let count = Int(try u32(field))
    guard count <= limit else {
      throw ParseError(message: "\(field) is \(count), at most \(limit) are allowed", byteOffset: start)
    }
    guard count <= remaining / max(1, minimumElementBytes) else {
      throw ParseError(message: "\(field) is \(count), but only \(remaining) bytes follow", byteOffset: start)
    }
    return count
  }

  /// Exactly `count` bytes.
  package mutating func bytes(count: Int, _ field: StaticString = "bytes") throws(ParseError) -> [UInt8] {
    try require(count, field)
    var result: [UInt8] = []
    result.reserveCapacity(count)
    for index in position..<(position + count) { result.append(bytes[index]) }
    position += count
    return result
  }

  /// A u32 length and that many bytes.
  package mutating func lengthPrefixedBytes(
    atMost limit: Int = Int(Int32.max), _ field: StaticString = "bytes"
  ) throws(ParseError) -> [UInt8] {
    try bytes(count: try count(of: 1, atMost: limit, field), field)
  }

  /// A u32 length and that many bytes of valid UTF-8.
  package mutating func lengthPrefixedString(
    atMost limit: Int = Int(Int32.max), _ field: StaticString = "string"
  ) throws(ParseError) -> String {
    let length = try count(of: 1, atMost: limit, field)
    let start = position
    position += length
    do {
      return String(copying: try UTF8Span(validating: bytes.extracting(start..<position)))
    } catch {
      throw ParseError(
        message: "\(field) is not valid UTF-8", byteOffset: start + error.byteOffsets.lowerBound)
    }
  }

  package mutating func skip(_ count: Int, _ field: StaticString = "bytes") throws(ParseError) {
    try require(count, field)
    position += count
  }

  /// Refuses bytes after the last field.
  package func expectEnd() throws(ParseError) {
    guard isAtEnd else {
      throw ParseError(message: "\(remaining) bytes follow the last field", byteOffset: position)
    }
  }

  private mutating func littleEndian(_ count: Int, _ field: StaticString) throws(ParseError) -> UInt64 {
    try require(count, field)
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(index * 8) }
    position += count
    return value
  }

  private func require(_ count: Int, _ field: StaticString) throws(ParseError) {
    guard count >= 0, count <= remaining else {
      throw ParseError(
        message: "\(field) needs \(count) bytes, but \(remaining) remain", byteOffset: position)
    }
  }
}
