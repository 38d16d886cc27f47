/// The counter-based random generator Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
/// 1, 2, 3", SC 2011).
///
/// A draw is a pure function of key and counter. So a token drawn again, after a preemption or on another rank, is the
/// same token, and no state has to survive.
package enum Philox {
  /// Four random words for a 128-bit counter and a 64-bit key.
  package static func words(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (counter, key) = (counter, key)
    for round in 0..<10 {
      if round > 0 { key = key &+ SIMD2(0x9e37_79b9, 0xbb67_ae85) }
      let first = counter.x.multipliedFullWidth(by: 0xd251_1f53)
      let second = counter.z.multipliedFullWidth(by: 0xcd9e_8d57)
      counter = SIMD4(
        second.high ^ counter.y ^ key.x, second.low, first.high ^ counter.w ^ key.y, first.low)
    }
    return counter
  }

  /// A number in [0, 1) with 53 random bits, for one position of the stream `key`.
  package static func uniform(key: UInt64, position: UInt64) -> Double {
    let words = words(
      counter: SIMD4(
        UInt32(truncatingIfNeeded: position), UInt32(truncatingIfNeeded: position >> 32), 0, 0),
      key: SIMD2(UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)))
    let bits = (UInt64(words.x) << 32 | UInt64(words.y)) >> 11
    return Double(bits) * 0x1p-53
  }
}
