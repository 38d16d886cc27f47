extension TemplateTime {
  private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November",
    "December",
  ]

  /// `strftime` in the C locale, with the flags (`-`, `_`, `0`, `^`, `#`), widths and modifiers of the GNU library.
  func formatted(_ format: String) -> String {
    var result: [UInt8] = []
    let bytes = Array(format.utf8)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "%"), let (text, end) = field(bytes, after: index) else {
        result.append(bytes[index])
        index += 1
        continue
      }
      result += text.utf8
      index = end
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The field whose `%` is at `start`, and where it ends; nil when it is none.
  private func field(_ bytes: [UInt8], after start: Int) -> (text: String, end: Int)? {
    var index = start + 1
    var flag: UInt8?
    while index < bytes.count, "-_0^#".utf8.contains(bytes[index]) {
      flag = bytes[index]
      index += 1
    }
    var width: Int?
    while index < bytes.count, let digit = Unicode.Scalar(bytes[index]).decimalDigit {
      width = min((width ?? 0) * 10 + digit, Self.maxWidth)
      index += 1
    }
    if index < bytes.count, bytes[index] == UInt8(ascii: "E") || bytes[index] == UInt8(ascii: "O") {
      index += 1
    }
    guard index < bytes.count else { return nil }
    // Python puts in the microseconds itself, and knows them only by these two characters.
    if bytes[index] == UInt8(ascii: "f"), index != start + 1 { return nil }
    return field(bytes[index], flag: flag, width: width).map { ($0, index + 1) }
  }

  /// Widest field: the rest of a larger width is not made.
  private static let maxWidth = 1023

  private func field(_ letter: UInt8, flag: UInt8?, width: Int?) -> String? {
    if var text = textField(letter) {
      switch (flag, letter) {
      case (UInt8(ascii: "#"), UInt8(ascii: "p")): text = TemplateText(text).lowercased().string
      case (_, UInt8(ascii: "P")), (UInt8(ascii: "#"), UInt8(ascii: "c")): break
      case (UInt8(ascii: "^"), _), (UInt8(ascii: "#"), _): text = TemplateText(text).uppercased().string
      default: break
      }
      // What is made of several fields, and the empty offset, is not padded.
      if "cxXDFTrRz".utf8.contains(letter) { return text }
      let fill = flag == UInt8(ascii: "0") ? "0" : " "
      let count = flag == UInt8(ascii: "-") ? 0 : (width ?? 0) - text.utf8.count
      return String(repeating: fill, count: max(0, count)) + text
    }
    guard let (number, usual, padding) = numberField(letter) else { return nil }
    let digits = String(number)
    let fill: String
    switch flag {
    case UInt8(ascii: "-"):
      return String(repeating: " ", count: max(0, (width ?? 0) - digits.utf8.count)) + digits
    case UInt8(ascii: "_"): fill = " "
    case UInt8(ascii: "0"): fill = "0"
    default: fill = padding
    }
    return String(repeating: fill, count: max(0, max(usual, width ?? 0) - digits.utf8.count)) + digits
  }

  private func textField(_ letter: UInt8) -> String? {
    switch Unicode.Scalar(letter) {
    case "a": String(Self.days[weekday].prefix(3))
    case "A": Self.days[weekday]
    case "b", "h": String(Self.months[month - 1].prefix(3))
    case "B": Self.months[month - 1]
    case "p": hour < 12 ? "AM" : "PM"
    case "P": hour < 12 ? "am" : "pm"
    case "c": formatted("%a %b %e %H:%M:%S %Y")
    case "x", "D": formatted("%m/%d/%y")
    case "X", "T": formatted("%H:%M:%S")
    case "F": formatted("%Y-%m-%d")
    case "R": formatted("%H:%M")
    case "r": formatted("%I:%M:%S %p")
    case "n": "\n"
    case "t": "\t"
    case "%": "%"
    case "z", "Z": ""
    default: nil
    }
  }

  private func numberField(_ letter: UInt8) -> (number: Int, width: Int, padding: String)? {
    let halfDay = hour % 12 == 0 ? 12 : hour % 12
    switch Unicode.Scalar(letter) {
    case "Y": return (year, 1, "0")
    case "C": return (year / 100, 2, "0")
    case "y": return (year % 100, 2, "0")
    case "m": return (month, 2, "0")
    case "d": return (day, 2, "0")
    case "e": return (day, 2, " ")
    case "H": return (hour, 2, "0")
    case "k": return (hour, 2, " ")
    case "I": return (halfDay, 2, "0")
    case "l": return (halfDay, 2, " ")
    case "M": return (minute, 2, "0")
    case "S": return (second, 2, "0")
    case "s": return (secondsSince1970, 1, "0")
    case "f": return (microsecond, 6, "0")
    case "j": return (dayOfYear, 3, "0")
    case "u": return (weekday == 0 ? 7 : weekday, 1, "0")
    case "w": return (weekday, 1, "0")
    case "U": return ((dayOfYear + 6 - weekday) / 7, 2, "0")
    case "W": return ((dayOfYear + 6 - (weekday + 6) % 7) / 7, 2, "0")
    case "V": return (isoWeek.week, 2, "0")
    case "G": return (isoWeek.year, 1, "0")
    case "g": return (isoWeek.year % 100, 2, "0")
    default: return nil
    }
  }
}

extension Unicode.Scalar {
  fileprivate var decimalDigit: Int? { ("0"..."9").contains(self) ? Int(value) - 48 : nil }
}
