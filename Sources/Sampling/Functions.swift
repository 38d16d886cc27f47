/// exp and log of this room: polynomials in plain IEEE arithmetic, without FMA and without libm, so that every machine
/// computes the same bits.
package enum Functions {
  /// e^x for x <= 0, 0 below -87. Relative error below 3e-7.
  ///
  /// x = n ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor series to the 7th power, whose rest is below 6e-9.
  @inline(__always)
  package static func exp(_ x: Float) -> Float {
    let magic: Float = 12_582_912  // 1.5 * 2^23: adding it rounds to an integer, kept in the low bits
    let clamped = x < -87 ? -87 : x
    let shifted = clamped * 1.442_695_04 + magic
    let n = shifted - magic
    // ln 2 in two parts, the first with few enough bits that n times it is exact.
    let r = (clamped - n * 0.693_359_375) - n * -2.121_944_4e-4
    var p: Float = 1.0 / 5040
    p = p * r + 1.0 / 720
    p = p * r + 1.0 / 120
    p = p * r + 1.0 / 24
    p = p * r + 1.0 / 6
    p = p * r + 0.5
    p = p * r + 1
    p = p * r + 1
    let exponent = (shifted.bitPattern &- magic.bitPattern &+ 127) << 23
    let result = p * Float(bitPattern: exponent)
    return x < -87 ? 0 : result
  }

  /// The natural logarithm of a normal positive number, to about 1e-15.
  ///
  /// x = 2^e f with f in [sqrt(1/2), sqrt(2)); ln f = 2 artanh((f - 1) / (f + 1)) by its series to the 23rd power.
  package static func log(_ x: Double) -> Double {
    precondition(x.isNormal && x > 0, "the logarithm of \(x) is not computed here")
    var exponent = Int(x.exponent)
    var f = x.significand
    if f > 1.414_213_562_373_095_1 {
      f *= 0.5
      exponent += 1
    }
    let t = (f - 1) / (f + 1)
    let square = t * t
    var sum = 0.0
    for denominator in stride(from: 23, through: 1, by: -2) { sum = sum * square + 1 / Double(denominator) }
    return Double(exponent) * 0.693_147_180_559_945_3 + 2 * t * sum
  }
}
