extension TemplateTime {
  private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November",
    "December",
  ]

  /// `strftime` in the C locale, with the padding flags (`-`, `_`, `0`, `^`) of the GNU library.
  func formatted(_ format: String) -> String {
    var result: [UInt8] = []
    let bytes = Array(format.utf8)
    var index = 0
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "%"), index + 1 < bytes.count else {
        result.append(bytes[index])
        index += 1
        continue
      }
      let start = index
      index += 1
      var flag: UInt8?
      while index < bytes.count, Array("-_0^#".utf8).contains(bytes[index]) {
        flag = bytes[index]
        index += 1
      }
      guard index < bytes.count, let text = field(bytes[index], flag: flag) else {
        result += bytes[start..<min(index + 1, bytes.count)]
        index += 1
        continue
      }
      result += Array(text.utf8)
      index += 1
    }
    return String(decoding: result, as: UTF8.self)
  }

  private func field(_ letter: UInt8, flag: UInt8?) -> String? {
    if let text = textField(letter) {
      guard flag == UInt8(ascii: "^") || flag == UInt8(ascii: "#") else { return text }
      return flag == UInt8(ascii: "#") && letter == UInt8(ascii: "p")
        ? TemplateText(text).lowercased().string : TemplateText(text).uppercased().string
    }
    guard let (number, width, padding) = numberField(letter) else { return nil }
    let digits = String(number)
    let fill: String
    switch flag {
    case UInt8(ascii: "-"): return digits
    case UInt8(ascii: "_"): fill = " "
    case UInt8(ascii: "0"): fill = "0"
    default: fill = padding
    }
    return String(repeating: fill, count: max(0, width - digits.utf8.count)) + digits
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
