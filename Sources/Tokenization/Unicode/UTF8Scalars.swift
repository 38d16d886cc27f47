/// Reading and writing single scalars in UTF-8 that is known to be valid.
enum UTF8Scalars {
  /// The length of the scalar whose first byte this is.
  @inline(__always)
  static func length(lead: UInt8) -> Int {
    lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
  }

  /// Whether a byte is one of a scalar's after its first.
  @inline(__always)
  static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

  /// The scalar that starts at `index` and its length in bytes.
  @inline(__always)
  static func decode(_ bytes: Span<UInt8>, at index: Int) -> (scalar: UInt32, length: Int) {
    let lead = UInt32(bytes[index])
    if lead < 0x80 { return (lead, 1) }
    let second = UInt32(bytes[index &+ 1] & 0x3F)
    if lead < 0xE0 { return ((lead & 0x1F) &<< 6 | second, 2) }
    let third = UInt32(bytes[index &+ 2] & 0x3F)
    if lead < 0xF0 { return ((lead & 0x0F) &<< 12 | second &<< 6 | third, 3) }
    let fourth = UInt32(bytes[index &+ 3] & 0x3F)
    return ((lead & 0x07) &<< 18 | second &<< 12 | third &<< 6 | fourth, 4)
  }

  static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
    switch scalar {
    case ..<0x80: bytes.append(UInt8(truncatingIfNeeded: scalar))
    case ..<0x800:
      bytes.append(UInt8(truncatingIfNeeded: 0xC0 | scalar &>> 6))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    case ..<0x10000:
      bytes.append(UInt8(truncatingIfNeeded: 0xE0 | scalar &>> 12))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar &>> 6 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    default:
      bytes.append(UInt8(truncatingIfNeeded: 0xF0 | scalar &>> 18))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar &>> 12 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar &>> 6 & 0x3F))
      bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
    }
  }

  /// The start of the scalar that ends just before `end` (which is greater than zero).
  static func start(before end: Int, in bytes: Span<UInt8>) -> Int {
    var index = end - 1
    while index > 0, isContinuation(bytes[index]) { index -= 1 }
    return index
  }

  static func scalars(of text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }
}
