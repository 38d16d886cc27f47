package import Parsing

/// A value that crosses a process boundary as little-endian fields in a fixed order.
///
/// Decoding is bounded: a count is checked against the bytes that remain before anything is allocated, values are
/// checked against their range, and wrong bytes throw a `ParseError`; they never trap. `write` then `init(from:)` gives
/// the same value, to the bit pattern of every float.
package protocol WireMessage: Sendable {
  /// Reads the fields; throws when bytes are missing or a value is out of range.
  init(from reader: inout ByteReader) throws(ParseError)

  /// Appends the fields.
  func write(to writer: inout ByteWriter)
}

extension WireMessage {
  /// The message alone, without frame header.
  package func encoded() -> [UInt8] {
    var writer = ByteWriter(reserving: 256)
    write(to: &writer)
    return writer.bytes
  }

  /// The message that fills `bytes` exactly.
  package init(decoding bytes: Span<UInt8>) throws(ParseError) {
    var reader = ByteReader(bytes)
    try self.init(from: &reader)
    try reader.expectEnd()
  }

  /// The message that fills `bytes` exactly.
  package init(decoding bytes: [UInt8]) throws(ParseError) {
    try self.init(decoding: bytes.span)
  }
}
