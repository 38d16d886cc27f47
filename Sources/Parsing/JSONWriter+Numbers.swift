extension JSONWriter {
  /// A double as Python's `repr` writes it.
  ///
  /// WHY: the digits of Swift's description are the shortest too, but Swift turns to an exponent at other magnitudes
  /// (beyond 2^53) than Python (from 1e16).
  package static func pythonNotation(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
    let (digits, exponent) = shortestDigits(value.magnitude)
    let sign = value < 0 ? "-" : ""
    if exponent < -4 || exponent >= 16 {
      let fraction = digits.count > 1 ? "." + String(decoding: digits[1...], as: UTF8.self) : ""
      let power = String(exponent.magnitude)
      let padded = power.utf8.count < 2 ? "0" + power : power
      return "\(sign)\(digits[0] - Ascii.zero)\(fraction)e\(exponent < 0 ? "-" : "+")\(padded)"
    }
    var text: [UInt8] = []
    if exponent < 0 {
      text = [Ascii.zero, Ascii.point] + Array(repeating: Ascii.zero, count: -exponent - 1) + digits
    } else {
      text = digits + Array(repeating: Ascii.zero, count: max(0, exponent + 1 - digits.count))
      text.insert(Ascii.point, at: exponent + 1)
      if exponent + 2 == text.count { text.append(Ascii.zero) }
    }
    return sign + String(decoding: text, as: UTF8.self)
  }

  /// The shortest decimal digits of a positive double and the power of ten of the first one.
  private static func shortestDigits(_ value: Double) -> (digits: [UInt8], exponent: Int) {
    var digits: [UInt8] = []
    var pointPosition: Int?
    var power = 0
    let text = Array(value.description.utf8)
    for (index, byte) in text.enumerated() {
      if byte == Ascii.point {
        pointPosition = digits.count
      } else if byte == UInt8(ascii: "e") {
        power = Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0
        break
      } else {
        digits.append(byte)
      }
    }
    var exponent = (pointPosition ?? digits.count) - 1 + power
    let leadingZeros = digits.prefix { $0 == Ascii.zero }.count
    digits.removeFirst(leadingZeros)
    exponent -= leadingZeros
    while digits.count > 1, digits.last == Ascii.zero { digits.removeLast() }
    return (digits, exponent)
  }
}
