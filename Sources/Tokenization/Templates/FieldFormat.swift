/// How one field of a format string is laid out: `[[fill]align][sign][#][0][width][grouping][.precision][type]`.
struct FieldFormat {
  var fill: Unicode.Scalar = " "
  var align: Unicode.Scalar?
  var sign: Unicode.Scalar = "-"
  var isAlternate = false
  var padsWithZeros = false
  /// Whether the alignment comes from a leading zero alone.
  private(set) var isZeroAlignment = false
  var width = 0
  var grouping: Unicode.Scalar?
  var precision: Int?
  var type: Unicode.Scalar?

  init() {}

  /// Reads the part of `{...}` after the colon.
  init(_ spec: TemplateText) throws(TemplateError) {
    let scalars = spec.scalars
    var index = 0
    func peek() -> Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }
    func take(_ set: String) -> Unicode.Scalar? {
      guard let next = peek(), set.unicodeScalars.contains(next) else { return nil }
      index += 1
      return next
    }
    func number() throws(TemplateError) -> Int? {
      var value: Int?
      while let digit = peek(), digit.isASCII, digit.isPythonDecimal {
        value = (value ?? 0) * 10 + Int(digit.value - 0x30)
        index += 1
        guard (value ?? 0) <= 1 << 30 else {
          throw TemplateError(.value, "Too many decimal digits in format string")
        }
      }
      return value
    }
    if scalars.count > 1, "<>=^".unicodeScalars.contains(scalars[1]) {
      fill = scalars[0]
      align = scalars[1]
      index = 2
    } else {
      align = take("<>=^")
    }
    sign = take("+- ") ?? "-"
    isAlternate = take("#") != nil
    if take("0") != nil {
      padsWithZeros = true
      if align == nil {
        fill = "0"
        align = "="
        isZeroAlignment = true
      }
    }
    width = try number() ?? 0
    grouping = take(",_")
    if take(".") != nil {
      precision = try number()
      guard precision != nil else { throw TemplateError(.value, "Format specifier missing precision") }
    }
    type = peek()
    if type != nil { index += 1 }
    guard index == scalars.count else { throw TemplateError(.value, "Invalid format specifier") }
  }

  /// The text in its width.
  func padded(_ text: TemplateText, defaultAlign: Unicode.Scalar) -> TemplateText {
    let missing = width - text.count
    guard missing > 0 else { return text }
    let left: Int
    switch align ?? defaultAlign {
    case "<": left = 0
    case "^": left = missing / 2
    default: left = missing
    }
    func run(_ count: Int) -> TemplateText { TemplateText(scalars: Array(repeating: fill, count: count)) }
    return run(left) + text + run(missing - left)
  }

  /// Digits with their sign, in groups and in their width.
  func number(_ magnitude: String, isNegative: Bool, prefix: String = "") -> TemplateText {
    let signText = isNegative ? "-" : sign == "-" ? "" : String(sign)
    var body = Array(magnitude.utf8)
    let zeros = align == "=" && fill == "0" ? width - signText.utf8.count - prefix.utf8.count : 0
    if let grouping {
      body = grouped(
        body, separator: UInt8(grouping.value), size: grouping == "_" && isRadix ? 4 : 3, width: zeros)
    }
    let head = TemplateText(signText + prefix)
    if align == "=" {
      let missing = width - head.count - body.count
      let run = TemplateText(scalars: Array(repeating: fill, count: max(0, missing)))
      return head + run + TemplateText(utf8: body)
    }
    return padded(head + TemplateText(utf8: body), defaultAlign: ">")
  }

  private var isRadix: Bool { type == "x" || type == "X" || type == "o" || type == "b" }

  private func grouped(_ digits: [UInt8], separator: UInt8, size: Int, width: Int) -> [UInt8] {
    let end =
      digits.firstIndex {
        !($0 >= 0x30 && $0 <= 0x39) && !($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x66 && isRadix)
      } ?? digits.count
    var whole = Array(digits[..<end])
    let rest = digits[end...]
    while whole.count + (whole.count - 1) / size + rest.count < width { whole.insert(0x30, at: 0) }
    var result: [UInt8] = []
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % size == 0 { result.append(separator) }
      result.append(digit)
    }
    return result + rest
  }

  /// Digits of a float by its type letter, without sign.
  func magnitude(_ value: Double, type: Unicode.Scalar) -> String {
    let decimal = ExactDecimal(value)
    let places = precision ?? 6
    var text: String
    switch type {
    case "e", "E": text = decimal.scientificMagnitude(places: places)
    case "g", "G": text = decimal.generalMagnitude(precision: places, keepsZeros: isAlternate)
    case "%": text = ExactDecimal(value * 100).fixedMagnitude(places: places) + "%"
    default: text = decimal.fixedMagnitude(places: places)
    }
    if "EGF".unicodeScalars.contains(type) { text = TemplateText(text).uppercased().string }
    return text
  }
}
