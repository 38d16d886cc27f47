/// Numbers as people read them.
package enum Numbers {
  /// Bytes in binary units with three digits: `512 B`, `1.21 GiB`.
  package static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var value = Double(count)
    var unit = 0
    // Also what would be rounded up to 1024.
    while abs(value) >= 1023.5 && unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(threeDigits(value)) \(units[unit])"
  }

  /// Seconds in the unit that fits: `950 us`, `12.3 ms`, `4.56 s`, `2 min 03 s`.
  package static func duration(seconds: Double) -> String {
    switch seconds {
    case ..<0.0009995: return "\(threeDigits(seconds * 1e6)) us"
    case ..<0.9995: return "\(threeDigits(seconds * 1e3)) ms"
    case ..<59.95: return "\(threeDigits(seconds)) s"
    default:
      let whole = Int(min(seconds, 1e9).rounded())
      let rest = whole % 60
      return "\(whole / 60) min \(rest < 10 ? "0" : "")\(rest) s"
    }
  }

  /// A rate or size with three digits: `0.123`, `45.6`, `1230`.
  package static func threeDigits(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    let size = abs(value)
    return decimal(value, digits: size < 9.995 ? 2 : size < 99.95 ? 1 : 0)
  }

  /// `value` with so many digits after the point, at most 9; halves away from zero.
  package static func decimal(_ value: Double, digits: Int) -> String {
    let digits = min(max(digits, 0), 9)
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value * scale).rounded()
    guard scaled.isFinite, abs(scaled) < 9e15 else { return "\(value)" }
    let whole = Int(scaled.magnitude)
    let text = "\(whole)"
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    let sign = scaled < 0 ? "-" : ""
    guard digits > 0 else { return sign + padded }
    return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
  }
}
