/// Byte counts for readers.
package enum ByteText {
  /// With a binary unit and three digits: `512 B`, `1.50 KiB`, `23.4 MiB`.
  package static func short(_ bytes: Int) -> String { short(Double(bytes)) }

  package static func short(_ bytes: Double) -> String {
    if bytes.magnitude < 1024 { return "\(decimal(bytes, bytes == bytes.rounded() ? 0 : 1)) B" }
    var value = bytes
    var unit = 0
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    repeat {
      value /= 1024
      unit += 1
    } while value.magnitude >= 1023.5 && unit < units.count
    return "\(decimal(value, value < 10 ? 2 : value < 100 ? 1 : 0)) \(units[unit - 1])"
  }

  /// A duration with three digits: `1.25 ms`, `340 us`.
  package static func duration(seconds: Double) -> String {
    for (limit, factor, unit) in [(1e-3, 1e6, "us"), (1.0, 1e3, "ms")] where seconds < limit {
      let value = seconds * factor
      return "\(decimal(value, value < 10 ? 2 : value < 100 ? 1 : 0)) \(unit)"
    }
    return "\(decimal(seconds, 2)) s"
  }

  /// The number with a fixed count of fraction digits, 0...3.
  package static func decimal(_ value: Double, _ digits: Int) -> String {
    let scale = [1.0, 10, 100, 1000][digits]
    guard value.magnitude < 1e15 else { return "\(value)" }
    let scaled = Int((value.magnitude * scale).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(scaled)" }
    let fraction = String(scaled % Int(scale))
    return
      "\(sign)\(scaled / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }
}
