extension OnigurumaTranslator {
  /// What an escape stands for.
  enum Escape {
    /// One scalar.
    case scalar(Unicode.Scalar)
    /// Content of a positive set, such as `\p{L}` or `0-9`.
    case members(String)
    /// A complement of what a positive set can hold: `[^...]` of this content.
    case complement(String)
    /// Something that is not one scalar wide: an assertion, a reference.
    case other(String)
  }

  /// An escape outside of a set, `position` at its backslash.
  mutating func escape() throws(TokenizerError) -> String {
    switch try readEscape(inSet: false) {
    case .scalar(let scalar): return Self.quoted(scalar)
    case .members(let members):
      return members.hasPrefix("\\") && members.isSingleEscape ? members : "[\(members)]"
    case .complement(let members): return "[^\(members)]"
    case .other(let text): return text
    }
  }

  mutating func readEscape(inSet: Bool) throws(TokenizerError) -> Escape {
    position += 1
    guard let letter = current else { throw refusal("a backslash at the end") }
    position += 1
    switch letter {
    case "s", "S", "d", "D": return .members("\\\(letter)")
    case "w": return .members(inSet ? Self.wordInSet : Self.word)
    case "W": return .complement(inSet ? Self.wordInSet : Self.word)
    case "h": return .members("0-9A-Fa-f")
    case "H": return .complement("0-9A-Fa-f")
    case "p", "P": return try property(negated: letter == "P", inSet: inSet)
    case "n": return .scalar("\n")
    case "t": return .scalar("\t")
    case "r": return .scalar("\r")
    case "f": return .scalar("\u{0C}")
    case "v": return .scalar("\u{0B}")
    case "a": return .scalar("\u{07}")
    case "e": return .scalar("\u{1B}")
    case "x": return .scalar(try hexadecimal(maximum: 2))
    case "u": return .scalar(try hexadecimal(maximum: 4))
    case "0": return .scalar(try octal())
    case "b" where inSet: return .scalar("\u{08}")
    case _
    where inSet || !letter.isASCII || !(letter.properties.isAlphabetic || ("1"..."9").contains(letter)):
      return try plain(letter)
    default: return .other(try assertion(letter))
    }
  }

  private func plain(_ letter: Unicode.Scalar) throws(TokenizerError) -> Escape {
    guard !letter.isASCII || !(letter.properties.isAlphabetic || ("1"..."9").contains(letter)) else {
      throw refusal("\\\(letter) in a set")
    }
    return .scalar(letter)
  }

  private mutating func assertion(_ letter: Unicode.Scalar) throws(TokenizerError) -> String {
    let inside = "[\(Self.word)]"
    switch letter {
    case "b": return "(?:(?<=\(inside))(?!\(inside))|(?<!\(inside))(?=\(inside)))"
    case "B": return "(?:(?<=\(inside))(?=\(inside))|(?<!\(inside))(?!\(inside)))"
    // Not \X: the two engines cut between emoji and after flags differently.
    case "A", "z", "Z", "G", "R", "K": return "\\\(letter)"
    case "1"..."9":
      if let next = current, ("0"..."9").contains(next) { throw refusal("a reference to group 10 or later") }
      return "\\g{\(letter)}"
    default: throw refusal("\\\(letter)")
    }
  }

  /// `\x41`, `\x{1F600}`, `\u0041`; `position` after the letter.
  private mutating func hexadecimal(maximum: Int) throws(TokenizerError) -> Unicode.Scalar {
    let isBraced = maximum == 2 && current == "{"
    if isBraced { position += 1 }
    var value: UInt32 = 0
    var count = 0
    while count < (isBraced ? 8 : maximum), let scalar = current, let digit = Character(scalar).hexDigitValue
    {
      value = value << 4 | UInt32(digit)
      count += 1
      position += 1
    }
    if isBraced {
      guard current == "}" else { throw refusal("an open \\x{") }
      position += 1
    } else if maximum == 2, value >= 0x80 {
      throw refusal("\\x with a byte beyond ASCII")
    }
    guard count > 0, maximum == 2 || count == 4, let scalar = Unicode.Scalar(value) else {
      throw refusal("a code point that does not exist")
    }
    return scalar
  }

  private mutating func octal() throws(TokenizerError) -> Unicode.Scalar {
    var value: UInt32 = 0
    var count = 0
    while count < 2, let scalar = current, ("0"..."7").contains(scalar) {
      value = value << 3 | (scalar.value - 0x30)
      count += 1
      position += 1
    }
    return Unicode.Scalar(UInt8(value))
  }

  /// `\p{Name}`, `\p{^Name}`, `\P{Name}`; `position` after the letter.
  private mutating func property(negated: Bool, inSet: Bool) throws(TokenizerError) -> Escape {
    guard current == "{", let end = source[position...].firstIndex(of: "}") else {
      throw refusal("\\p without braces")
    }
    var name = source[(position + 1)..<end]
    position = end + 1
    var isNegated = negated
    if name.first == "^" {
      isNegated.toggle()
      name = name.dropFirst()
    }
    var key = ""
    for scalar in name where scalar != " " && scalar != "_" && scalar != "-" {
      guard scalar.isASCII else { throw refusal("a property that is not ASCII") }
      key += String(Character(scalar)).lowercased()
    }
    let known = key == "word" && !inSet ? Self.word : Self.members(ofProperty: key)
    guard let members = known else { throw refusal("\\p{\(key)}") }
    return isNegated ? .complement(members) : .members(members)
  }

  /// One scalar as a literal of PCRE2, inside or outside of a set.
  static func quoted(_ scalar: Unicode.Scalar) -> String {
    if scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) {
      return "\\x{\(String(scalar.value, radix: 16))}"
    }
    return String(Character(scalar))
  }
}

extension String {
  /// True for one escape such as `\s` or `\p{L}` and nothing after it.
  fileprivate var isSingleEscape: Bool {
    guard utf8.count > 2 else { return true }
    return utf8.dropLast().firstIndex(of: UInt8(ascii: "}")) == nil && utf8.last == UInt8(ascii: "}")
      && utf8.lastIndex(of: UInt8(ascii: "\\")) == utf8.startIndex
  }
}
