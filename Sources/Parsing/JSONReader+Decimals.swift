/// How the digits of a fraction become a double.
package enum JSONDecimals: Sendable {
  /// The nearest double, as IEEE 754 has it.
  case nearest

  /// As many digits as fit 64 bits, rounded to a double, then scaled by a power of ten: up to two roundings, so
  /// the last bit may differ from the nearest.
  ///
  /// WHY: this is how serde_json reads by default, and the reference tokenizers with it. The scores of a Unigram model
  /// decide between segmentations whose sums differ in nothing but that bit.
  case scaled
}

extension JSONReader {
  /// The value of a number, given as its text, under `JSONDecimals.scaled`; nil beyond the range of a double.
  static func scaled(_ text: Span<UInt8>) -> Double? {
    var significand: UInt64 = 0
    var exponent = 0
    var isFraction = false
    var isFull = false
    var index = text[0] == Ascii.minus ? 1 : 0
    while index < text.count, text[index] | 0x20 != UInt8(ascii: "e") {
      defer { index += 1 }
      if text[index] == Ascii.point {
        isFraction = true
        isFull = false
        continue
      }
      let digit = UInt64(text[index] - Ascii.zero)
      let next = significand.multipliedReportingOverflow(by: 10)
      let sum = next.partialValue.addingReportingOverflow(digit)
      isFull = isFull || next.overflow || sum.overflow
      if !isFull { significand = sum.partialValue }
      // A digit that found no room counts before the point, and not behind it.
      if isFraction != isFull { exponent += isFraction ? -1 : 1 }
    }
    exponent += index < text.count ? power(text.extracting((index + 1)..<text.count)) : 0
    guard let magnitude = scale(Double(significand), exponent) else { return nil }
    return text[0] == Ascii.minus ? -magnitude : magnitude
  }

  /// The exponent behind its letter, held within a million.
  private static func power(_ text: Span<UInt8>) -> Int {
    var value = 0
    for index in text.indices {
      if text[index] == Ascii.minus || text[index] == Ascii.plus { continue }
      value = min(1_000_000, value * 10 + Int(text[index] - Ascii.zero))
    }
    return text[0] == Ascii.minus ? -value : value
  }

  private static func scale(_ significand: Double, _ exponent: Int) -> Double? {
    let largest = 308
    var value = significand
    var exponent = exponent
    while exponent < -largest, value != 0 {
      value /= powerOfTen(largest)
      exponent += largest
    }
    if value == 0 { return 0 }
    guard exponent <= largest else { return nil }
    value = exponent < 0 ? value / powerOfTen(-exponent) : value * powerOfTen(exponent)
    return value.isFinite ? value : nil
  }

  /// The nearest double to a power of ten, 0...308; those beyond 22 are not exact, and are read as text.
  private static func powerOfTen(_ exponent: Int) -> Double {
    exponent <= 22 ? exactPowersOfTen[exponent] : Double("1e\(exponent)") ?? .infinity
  }
}

/// The powers of ten that a double holds exactly.
let exactPowersOfTen: [Double] = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
  1e19, 1e20, 1e21, 1e22,
]
