/// Sets of scalars as the reference draws them.
///
/// Properties come from the standard library; its Unicode is newer than the one of some sets, so those are limited to
/// scalars that existed in their version, with the few scalars that changed since then.
enum ScalarClass {
  /// White space (property White_Space).
  @inline(__always)
  static func isWhitespace(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 { return scalar == 0x20 || (scalar >= 0x09 && scalar <= 0x0D) }
    switch scalar {
    case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: return true
    default: return false
    }
  }

  /// General category N.
  static func isNumeric(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 { return scalar >= 0x30 && scalar <= 0x39 }
    switch category(scalar) {
    case .decimalNumber, .letterNumber, .otherNumber: return true
    default: return false
    }
  }

  /// Word characters of regular expressions (Unicode 16, UTS 18 annex C).
  static func isWord(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 {
      return (scalar | 0x20 >= 0x61 && scalar | 0x20 <= 0x7A) || (scalar >= 0x30 && scalar <= 0x39)
        || scalar == 0x5F
    }
    guard let value = Unicode.Scalar(scalar) else { return false }
    let properties = value.properties
    let isWord: Bool
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: isWord = true
    default: isWord = properties.isAlphabetic || properties.isJoinControl
    }
    return isWord && isAssigned(value, in: (16, 0))
  }

  /// ASCII punctuation and symbols, and general category P of Unicode 8.
  static func isPunctuation(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 {
      return (scalar >= 0x21 && scalar <= 0x2F) || (scalar >= 0x3A && scalar <= 0x40)
        || (scalar >= 0x5B && scalar <= 0x60) || (scalar >= 0x7B && scalar <= 0x7E)
    }
    if scalar == 0x166D || scalar == 0x111C9 { return true }
    guard let value = Unicode.Scalar(scalar) else { return false }
    switch value.properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      return isAssigned(value, in: (8, 0))
    default: return false
    }
  }

  /// Marks that `StripAccents` removes: general category M of Unicode 9.
  static func isCombiningMark(_ scalar: UInt32) -> Bool {
    if scalar < 0x300 || scalar == 0x111C9 { return false }
    if scalar == 0x1CF2 || scalar == 0x1CF3 { return true }
    guard let value = Unicode.Scalar(scalar) else { return false }
    switch value.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: return isAssigned(value, in: (9, 0))
    default: return false
    }
  }

  /// Marks that the BERT normalizer strips: general category Mn of Unicode 8.
  static func isNonspacingMark(_ scalar: UInt32) -> Bool {
    switch scalar {
    case ..<0x300, 0x1885, 0x1886, 0xA9BD, 0x111C9: return false
    case 0x1734, 0x1171E: return true
    default:
      guard let value = Unicode.Scalar(scalar) else { return false }
      return value.properties.generalCategory == .nonspacingMark && isAssigned(value, in: (8, 0))
    }
  }

  /// Controls that the BERT normalizer removes: general categories Cc, Cf and Co of Unicode 7, but for tab, newline and
  /// carriage return.
  static func isControl(_ scalar: UInt32) -> Bool {
    if scalar < 0x80 {
      return scalar == 0x7F || (scalar < 0x20 && scalar != 0x09 && scalar != 0x0A && scalar != 0x0D)
    }
    guard let value = Unicode.Scalar(scalar) else { return false }
    switch value.properties.generalCategory {
    case .control, .privateUse: return true
    case .format: return isAssigned(value, in: (7, 0))
    default: return false
    }
  }

  /// The blocks of Chinese characters around which BERT puts spaces.
  static func isChinese(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      return true
    default: return false
    }
  }

  private static func category(_ scalar: UInt32) -> Unicode.GeneralCategory {
    Unicode.Scalar(scalar)?.properties.generalCategory ?? .unassigned
  }

  private static func isAssigned(_ scalar: Unicode.Scalar, in version: (Int, Int)) -> Bool {
    guard let age = scalar.properties.age else { return false }
    return age.major < version.0 || (age.major == version.0 && age.minor <= version.1)
  }
}
