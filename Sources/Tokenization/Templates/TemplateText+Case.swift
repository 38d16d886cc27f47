/// Case and character classes, by the rules of Python's `str`.
extension TemplateText {
  func uppercased() -> TemplateText { mapped({ $0 & 0xDF }, 0x61...0x7A) { $0.properties.uppercaseMapping } }

  func lowercased() -> TemplateText {
    if isASCII { return mapped({ $0 | 0x20 }, 0x41...0x5A) { $0.properties.lowercaseMapping } }
    let scalars = self.scalars
    var bytes: [UInt8] = []
    for index in scalars.indices { bytes += Self.lowered(scalars, index) }
    return TemplateText(utf8: bytes)
  }

  /// First character in title case, the others in lower case.
  func capitalized() -> TemplateText {
    let scalars = self.scalars
    guard let first = scalars.first else { return self }
    var bytes = Array(first.properties.titlecaseMapping.utf8)
    for index in scalars.indices.dropFirst() { bytes += Self.lowered(scalars, index) }
    return TemplateText(utf8: bytes)
  }

  /// Title case after every character without case.
  func titlecased() -> TemplateText {
    let scalars = self.scalars
    var bytes: [UInt8] = []
    var previousIsCased = false
    for (index, scalar) in scalars.enumerated() {
      bytes += previousIsCased ? Self.lowered(scalars, index) : Array(scalar.properties.titlecaseMapping.utf8)
      previousIsCased = scalar.properties.isCased
    }
    return TemplateText(utf8: bytes)
  }

  func swappingCase() -> TemplateText {
    let scalars = self.scalars
    var bytes: [UInt8] = []
    for (index, scalar) in scalars.enumerated() {
      if scalar.properties.isUppercase {
        bytes += Self.lowered(scalars, index)
      } else if scalar.properties.isLowercase {
        bytes += Array(scalar.properties.uppercaseMapping.utf8)
      } else {
        bytes.append(scalar: scalar)
      }
    }
    return TemplateText(utf8: bytes)
  }

  /// Case folding: lower case of upper case, so that `ß` and `SS` meet.
  func casefolded() -> TemplateText {
    isASCII
      ? lowercased()
      : TemplateText(
        utf8: scalars.flatMap { scalar -> [UInt8] in
          let lower = scalar.properties.lowercaseMapping
          let upper = scalar.properties.uppercaseMapping
          guard upper.unicodeScalars.count > 1 || scalar == "\u{3C2}" else { return Array(lower.utf8) }
          return upper.unicodeScalars.flatMap { Array($0.properties.lowercaseMapping.utf8) }
        })
  }

  var isLower: Bool {
    var found = false
    for scalar in scalars {
      if scalar.properties.isUppercase || scalar.properties.generalCategory == .titlecaseLetter {
        return false
      }
      if scalar.properties.isLowercase { found = true }
    }
    return found
  }

  var isUpper: Bool {
    var found = false
    for scalar in scalars {
      if scalar.properties.isLowercase || scalar.properties.generalCategory == .titlecaseLetter {
        return false
      }
      if scalar.properties.isUppercase { found = true }
    }
    return found
  }

  var isTitle: Bool {
    var found = false
    var previousIsCased = false
    for scalar in scalars {
      let properties = scalar.properties
      if properties.isUppercase || properties.generalCategory == .titlecaseLetter {
        if previousIsCased { return false }
        previousIsCased = true
        found = true
      } else if properties.isLowercase {
        if !previousIsCased { return false }
        found = true
      } else {
        previousIsCased = false
      }
    }
    return found
  }

  func allScalars(_ predicate: (Unicode.Scalar) -> Bool) -> Bool { !isEmpty && scalars.allSatisfy(predicate) }

  private func mapped(
    _ ascii: (UInt8) -> UInt8, _ range: ClosedRange<UInt8>, _ mapping: (Unicode.Scalar) -> String
  ) -> TemplateText {
    if isASCII { return TemplateText(utf8: utf8.map { range.contains($0) ? ascii($0) : $0 }) }
    return TemplateText(utf8: scalars.flatMap { Array(mapping($0).utf8) })
  }

  /// Lower case of one character; a capital sigma at the end of a word becomes the final form.
  private static func lowered(_ scalars: [Unicode.Scalar], _ index: Int) -> [UInt8] {
    let scalar = scalars[index]
    guard scalar == "\u{3A3}" else { return Array(scalar.properties.lowercaseMapping.utf8) }
    let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
    let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    let isFinal = before?.properties.isCased == true && after?.properties.isCased != true
    return Array((isFinal ? "\u{3C2}" : "\u{3C3}").utf8)
  }
}

extension Unicode.Scalar {
  /// What `str.isspace` and the regular expression `\s` accept.
  var isPythonSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
      0x3000:
      true
    default: false
    }
  }

  var isLineBoundary: Bool {
    switch value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  var isPythonAlpha: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  var isPythonDecimal: Bool { properties.generalCategory == .decimalNumber }

  var isPythonDigit: Bool { properties.numericType == .decimal || properties.numericType == .digit }

  var isPythonNumeric: Bool { properties.numericType != nil }

  var isPythonAlphanumeric: Bool { isPythonAlpha || isPythonNumeric }

  /// Whether `repr` shows the character itself.
  var isPythonPrintable: Bool {
    if value < 0x7F { return value >= 0x20 }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      return false
    default: return true
    }
  }

  /// Part of a word for the regular expression `\w`.
  var isWordCharacter: Bool { self == "_" || isPythonAlphanumeric }
}
