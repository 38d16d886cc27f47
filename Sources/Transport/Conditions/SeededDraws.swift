/// Draws that follow from a seed: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// 2014).
package struct SeededDraws: Sendable {
  private var state: UInt64

  package init(state: UInt64) { self.state = state }

  /// A stream of its own for each number.
  init(seed: UInt64, stream: UInt64) {
    state = seed ^ (stream &+ 1) &* 0xd1b5_4a32_d192_ed03
    _ = next()
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Evenly in 0 ..< 1.
  package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}
