/// A double as the exact decimal number that it is, for rounding and printing to a number of places.
///
/// A double is m·2^e; for a negative e that is m·5^-e / 10^-e, so its digits are those of one big integer.
struct ExactDecimal {
  let isNegative: Bool
  private let special: String?
  /// Digits 0…9, most significant first.
  private let digits: [UInt8]
  /// How many of them are after the point.
  private let fractionCount: Int

  init(_ value: Double) {
    isNegative = value.sign == .minus
    special = value.isNaN ? "nan" : value.isInfinite ? "inf" : nil
    guard value.isFinite, value != 0 else {
      digits = [0]
      fractionCount = 0
      return
    }
    let exponent = Int(value.exponent) - Double.significandBitCount
    var limbs: [UInt32] = []
    // WHY: a subnormal has no implicit bit; scaling the magnitude by a power of two is exact for both.
    var significand = UInt64(Double(sign: .plus, exponent: -exponent, significand: value.magnitude))
    while significand > 0 {
      limbs.append(UInt32(significand % 1_000_000_000))
      significand /= 1_000_000_000
    }
    for _ in 0..<abs(exponent) { Self.multiply(&limbs, by: exponent < 0 ? 5 : 2) }
    digits = Self.digits(of: limbs)
    fractionCount = max(0, -exponent)
  }

  private static func multiply(_ limbs: inout [UInt32], by factor: UInt64) {
    var carry: UInt64 = 0
    for index in limbs.indices {
      let product = UInt64(limbs[index]) * factor + carry
      limbs[index] = UInt32(product % 1_000_000_000)
      carry = product / 1_000_000_000
    }
    if carry > 0 { limbs.append(UInt32(carry)) }
  }

  private static func digits(of limbs: [UInt32]) -> [UInt8] {
    var result: [UInt8] = []
    for (index, limb) in limbs.reversed().enumerated() {
      let text = String(limb)
      if index > 0 { result += Array(repeating: 0, count: 9 - text.utf8.count) }
      result += text.utf8.map { $0 - 0x30 }
    }
    return result.isEmpty ? [0] : result
  }

  /// The digits without the last `dropped`, rounded to nearest, ties to even; may be one digit longer.
  private static func rounded(_ digits: [UInt8], dropping dropped: Int) -> [UInt8] {
    guard dropped > 0 else { return digits }
    let padded = Array(repeating: 0, count: max(0, dropped + 1 - digits.count)) + digits
    var kept = Array(padded.dropLast(dropped))
    let rest = padded.suffix(dropped)
    let first = rest.first ?? 0
    let isAbove = first > 5 || (first == 5 && rest.dropFirst().contains { $0 != 0 })
    let isTie = first == 5 && !isAbove
    guard isAbove || (isTie && (kept.last ?? 0) % 2 == 1) else { return kept }
    var index = kept.count - 1
    while index >= 0, kept[index] == 9 {
      kept[index] = 0
      index -= 1
    }
    if index < 0 { kept.insert(1, at: 0) } else { kept[index] += 1 }
    return kept
  }

  private static func text(_ digits: some Sequence<UInt8>) -> String {
    String(decoding: digits.map { $0 + 0x30 }, as: UTF8.self)
  }

  /// `123.46`: `places` digits after the point; zeros before it when negative. Without sign.
  func fixedMagnitude(places: Int) -> String {
    if let special { return special }
    var all = Self.rounded(digits, dropping: fractionCount - places)
    let shown = max(places, 0)
    all += Array(repeating: 0, count: max(0, places - fractionCount))
    if places < 0 { all += Array(repeating: 0, count: -places) }
    if all.count < shown + 1 { all = Array(repeating: 0, count: shown + 1 - all.count) + all }
    let leading = all.dropLast(shown).prefix { $0 == 0 }.count
    let whole = all.dropLast(shown).dropFirst(min(leading, all.count - shown - 1))
    return shown == 0 ? Self.text(whole) : "\(Self.text(whole)).\(Self.text(all.suffix(shown)))"
  }

  func fixed(places: Int) -> String { (isNegative ? "-" : "") + fixedMagnitude(places: places) }

  /// Significant digits and the power of ten of the first.
  private func scientificDigits(places: Int) -> ([UInt8], Int) {
    let significant = Array(digits.drop { $0 == 0 })
    guard !significant.isEmpty else { return (Array(repeating: 0, count: places + 1), 0) }
    var exponent = significant.count - 1 - fractionCount
    var kept = Self.rounded(significant, dropping: significant.count - places - 1)
    if kept.count > min(significant.count, places + 1) {
      kept.removeLast()
      exponent += 1
    }
    kept += Array(repeating: 0, count: max(0, places + 1 - kept.count))
    return (kept, exponent)
  }

  /// `1.2346e+02`. Without sign.
  func scientificMagnitude(places: Int, keepsZeros: Bool = true) -> String {
    if let special { return special }
    let (kept, exponent) = scientificDigits(places: places)
    var fraction = Array(kept.dropFirst())
    if !keepsZeros { while fraction.last == 0 { fraction.removeLast() } }
    let power = String(exponent.magnitude)
    let point = fraction.isEmpty ? "" : "."
    return
      "\(kept[0])\(point)\(Self.text(fraction))e\(exponent < 0 ? "-" : "+")\(power.utf8.count < 2 ? "0" : "")\(power)"
  }

  /// The shorter of both forms with `precision` significant digits, as `%g` chooses. Without sign.
  func generalMagnitude(precision: Int, keepsZeros: Bool) -> String {
    if let special { return special }
    let precision = max(1, precision)
    let (_, exponent) = scientificDigits(places: precision - 1)
    guard exponent >= -4, exponent < precision else {
      return scientificMagnitude(places: precision - 1, keepsZeros: keepsZeros)
    }
    var text = Array(fixedMagnitude(places: precision - 1 - exponent).utf8)
    if !keepsZeros, text.contains(UInt8(ascii: ".")) {
      while text.last == 0x30 { text.removeLast() }
      if text.last == UInt8(ascii: ".") { text.removeLast() }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Reading and rounding of numbers by Python's rules.
enum PythonNumber {
  /// `int(text, base)`; nil when the text is no such integer or does not fit 64 bits.
  static func integer(_ text: TemplateText, base: Int) -> Int? {
    guard base == 0 || (2...36).contains(base) else { return nil }
    var bytes = text.strippedWhitespace().utf8[...]
    var sign = ""
    if let first = bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      sign = first == UInt8(ascii: "-") ? "-" : ""
      bytes = bytes.dropFirst()
    }
    var radix = base == 0 ? 10 : base
    if bytes.count > 2, bytes.first == 0x30 {
      let prefix = [UInt8(ascii: "x"): 16, UInt8(ascii: "o"): 8, UInt8(ascii: "b"): 2][
        bytes[bytes.startIndex + 1] | 0x20]
      if let prefix, base == 0 || base == prefix {
        radix = prefix
        bytes = bytes.dropFirst(2)
        if bytes.first == UInt8(ascii: "_") { bytes = bytes.dropFirst() }
      }
    }
    guard let digits = withoutUnderscores(bytes), let first = digits.first, first != 0x2B, first != 0x2D
    else {
      return nil
    }
    return Int(sign + String(decoding: digits, as: UTF8.self), radix: radix)
  }

  /// `float(text)`.
  static func float(_ text: TemplateText) -> Double? {
    let trimmed = text.strippedWhitespace()
    guard let bytes = withoutUnderscores(trimmed.utf8[...]), !bytes.isEmpty else { return nil }
    let lowered = TemplateText(utf8: bytes).lowercased().string
    switch lowered {
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    case "nan", "+nan", "-nan": return .nan
    default:
      guard bytes.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || "+-.eE".utf8.contains($0) }) else { return nil }
      return Double(lowered)
    }
  }

  /// Single underscores between digits are allowed, others are not.
  private static func withoutUnderscores(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var previous: UInt8 = UInt8(ascii: "_")
    for byte in bytes {
      if byte == UInt8(ascii: "_") {
        guard TemplateText(utf8: [previous]).allScalars({ $0.isPythonAlphanumeric }) else { return nil }
      } else {
        result.append(byte)
      }
      previous = byte
    }
    return previous == UInt8(ascii: "_") ? nil : result
  }

  /// `round(value, places)`, correctly rounded, ties of the exact value to even.
  static func rounded(_ value: Double, places: Int) -> Double {
    guard value.isFinite, places < 330 else { return value }
    guard places > -330 else { return value.sign == .minus ? -0.0 : 0 }
    return Double(ExactDecimal(value).fixed(places: places)) ?? value
  }

  static func rounded(_ value: Int, places: Int) -> Int {
    guard places < 0 else { return value }
    guard places > -19 else { return 0 }
    var unit = 1
    for _ in 0..<(-places) { unit *= 10 }
    let remainder = ((value % unit) + unit) % unit
    let (floor, overflow) = value.subtractingReportingOverflow(remainder)
    guard !overflow else { return value }
    let isOdd = (floor / unit) % 2 != 0
    let goesUp = remainder > unit - remainder || (remainder == unit - remainder && isOdd)
    return goesUp ? floor.addingReportingOverflow(unit).partialValue : floor
  }
}
