/// Looks for numbers that are none, or that no model reaches, in what a rank sends to others.
///
/// Partial sums leave a rank anyway and are in its cache: looking at them costs a fraction of the copy. A rank looks at
/// its own partial sums before they are added to those of others, so what is found is its own doing. Infinities and
/// not-a-numbers come from broken weights, keys or values, or from a model that overflows; values beyond 2^64, from
/// one flipped bit of an exponent. Broken numbers of usual size pass.
package enum NumericGuard {
  /// Bits of the largest magnitude that passes: 2^64.
  static let limit: Int32 = 0x5f80_0000

  /// Whether a float among the words is out of range; the words may be whole numbers below 2^30 as well.
  @inline(__always)
  package static func isBroken(_ words: Span<Int32>) -> Bool {
    var largest: Int32 = 0
    for index in words.indices { largest = max(largest, words[index] & 0x7fff_ffff) }
    return largest > limit
  }
}
