/// A small random generator whose seed is printed with every failure (SplitMix64, Steele et al. 2014).
///
/// The same seed gives the same numbers on every machine, so a failing case can be run again.
package struct SeededGenerator: RandomNumberGenerator, Sendable, CustomStringConvertible {
  package let seed: UInt64
  private var state: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// For the comment of an expectation: `#expect(a == b, "\(random)")`.
  package var description: String { "seed \(seed)" }

  /// A number from -1 up to 1, evenly spread.
  package mutating func unit() -> Float {
    Float(Int32(truncatingIfNeeded: next() >> 40) - (1 << 23)) / Float(1 << 23)
  }
}

/// Seeds of a randomised test: `count` fixed ones, or only `$MESHDECODE_SEED` to repeat a failure.
package func seeds(_ count: Int) -> [UInt64] {
  if let text = environmentValue("MESHDECODE_SEED"), let seed = UInt64(text) { return [seed] }
  return (0..<UInt64(count)).map { 0x5EED_0000 &+ $0 }
}
