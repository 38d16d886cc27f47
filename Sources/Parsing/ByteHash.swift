/// A seeded 64-bit hash of a byte string, for tables whose keys come from outside.
///
/// Eight bytes at a time through a folded 64 x 64 -> 128-bit product. The seed is drawn once per process, so that a
/// file cannot be written to collide on purpose; the value must never leave the process.
/// Cost: about one multiplication per eight bytes.
package enum ByteHash {
  /// The seed of this process.
  package static let processSeed = UInt64.random(in: .min ... .max)

  package static func hash(_ bytes: Span<UInt8>, seed: UInt64 = processSeed) -> UInt64 {
    var state = seed ^ 0x9E37_79B9_7F4A_7C15
    var index = 0
    let count = bytes.count
    while index &+ 8 <= count {
      var word: UInt64 = 0
      for lane in 0..<8 { word |= UInt64(bytes[index &+ lane]) &<< UInt64(lane &* 8) }
      state = fold(state ^ word, 0xD6E8_FEB8_6659_FD93)
      index &+= 8
    }
    var tail: UInt64 = 0
    while index < count {
      tail = tail &<< 8 | UInt64(bytes[index])
      index &+= 1
    }
    return fold(state ^ tail, 0xA076_1D64_78BD_642F ^ UInt64(truncatingIfNeeded: count))
  }

  /// Both halves of the full product, added without carry.
  @inline(__always)
  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}
