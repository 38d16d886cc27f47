/// Appends little-endian fields: the counterpart of `ByteReader`.
package struct ByteWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  package var count: Int { bytes.count }

  /// Starts anew in the same memory.
  package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  package mutating func u8(_ value: UInt8) { bytes.append(value) }
  package mutating func u16(_ value: UInt16) { littleEndian(UInt64(value), 2) }
  package mutating func u32(_ value: UInt32) { littleEndian(UInt64(value), 4) }
  package mutating func u64(_ value: UInt64) { littleEndian(value, 8) }
  package mutating func i32(_ value: Int32) { u32(UInt32(bitPattern: value)) }
  package mutating func i64(_ value: Int64) { u64(UInt64(bitPattern: value)) }
  package mutating func f32(_ value: Float) { u32(value.bitPattern) }
  package mutating func f64(_ value: Double) { u64(value.bitPattern) }
  package mutating func bool(_ value: Bool) { u8(value ? 1 : 0) }

  /// The number of elements that follow, as a u32; more than 2^31 - 1 is a programmer's error.
  package mutating func count(_ value: Int) {
    precondition((0...Int(Int32.max)).contains(value), "\(value) elements do not fit a message")
    u32(UInt32(value))
  }

  /// Bytes without their length.
  package mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }

  /// Bytes of a span without their length.
  package mutating func raw(_ value: Span<UInt8>) {
    bytes.reserveCapacity(bytes.count + value.count)
    for index in value.indices { bytes.append(value[index]) }
  }

  package mutating func lengthPrefixedBytes(_ value: [UInt8]) {
    count(value.count)
    raw(value)
  }

  package mutating func lengthPrefixedString(_ value: String) {
    count(value.utf8.count)
    bytes.append(contentsOf: value.utf8)
  }

  /// Writes a u32 over four bytes written before, for a length that is known only afterwards.
  package mutating func overwriteU32(_ value: UInt32, at offset: Int) {
    precondition(
      offset >= 0 && offset + 4 <= bytes.count, "offset \(offset) is not inside \(bytes.count) bytes")
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(index * 8)) }
  }

  private mutating func littleEndian(_ value: UInt64, _ count: Int) {
    for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(index * 8))) }
  }
}
