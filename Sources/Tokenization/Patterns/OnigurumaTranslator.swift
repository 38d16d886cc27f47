/// Rewrites a pattern of Oniguruma's syntax (which tokenizer files use) into one of PCRE2 with the same matches.
///
/// What differs and is rewritten: `\h` (hexadecimal digit), `\v`, `\w` and `\b` (marks are word characters, other
/// numbers are not), `(?m)` (dot matches newline), `(?i)` in the middle of a branch, `{n,m}+` (not possessive), `{,n}`,
/// POSIX brackets, sets in sets and `&&`, scripts (not their extensions). What cannot be expressed is refused by name.
struct OnigurumaTranslator {
  /// Word characters inside a set: alphabetic, marks, decimal digits, connectors.
  static let wordInSet = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"

  /// Word characters outside of sets: Oniguruma adds six numbers of Latin-1 there.
  static let word = wordInSet + "\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}"

  let source: [Unicode.Scalar]
  let place: String
  var position = 0
  private var depth = 0

  init(_ source: String, place: String) {
    self.source = Array(source.unicodeScalars)
    self.place = place
  }

  mutating func translate() throws(TokenizerError) -> String {
    let result = try alternatives()
    guard position == source.count else { throw refusal("an unmatched ')'") }
    return result
  }

  var current: Unicode.Scalar? { position < source.count ? source[position] : nil }

  func starts(with text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    return position + wanted.count <= source.count
      && Array(source[position..<(position + wanted.count)]) == wanted
  }

  func refusal(_ what: String) -> TokenizerError {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: source.prefix(200))
    return TokenizerError("the pattern \"\(String(text))\" of \(place) uses \(what), which is not supported")
  }

  /// Everything up to the end or an unmatched `)`.
  private mutating func alternatives() throws(TokenizerError) -> String {
    depth += 1
    defer { depth -= 1 }
    guard depth < 100 else { throw refusal("more than 100 nested groups") }
    var result = ""
    var atom = ""
    while let scalar = current, scalar != ")" {
      switch scalar {
      case "|":
        position += 1
        result += atom + "|"
        atom = ""
      case "*", "+", "?":
        atom = try quantified(atom)
      case "{":
        if let interval = interval() {
          atom = try repeated(atom, interval)
        } else {
          position += 1
          result += atom
          atom = "\\{"
        }
      default:
        result += atom
        atom = try self.atom(scalar)
      }
    }
    return result + atom
  }

  private mutating func atom(_ scalar: Unicode.Scalar) throws(TokenizerError) -> String {
    switch scalar {
    case "(": return try group()
    case "[": return try characterSet()
    case "\\": return try escape()
    default:
      position += 1
      return String(Character(scalar))
    }
  }

  /// `*`, `+`, `?` with their lazy and possessive forms.
  private mutating func quantified(_ atom: String) throws(TokenizerError) -> String {
    guard !atom.isEmpty, let scalar = current else { throw refusal("a quantifier after nothing") }
    position += 1
    var result = atom + String(Character(scalar))
    if let suffix = current, suffix == "?" || suffix == "+" {
      position += 1
      result += String(Character(suffix))
    }
    // One more quantifier repeats the whole.
    if let next = current, next == "*" || next == "+" || next == "?" { return "(?:\(result))" }
    return result
  }

  private struct Interval {
    var minimum: Int
    var maximum: Int?
    var isFixed: Bool
  }

  /// `{n}`, `{n,}`, `{n,m}`, `{,m}`; nil (and nothing read) for a brace that is only a brace.
  private mutating func interval() -> Interval? {
    guard let end = source[position...].firstIndex(of: "}") else { return nil }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: source[(position + 1)..<end])
    let parts = String(text).split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }) else {
      return nil
    }
    let minimum = Int(parts[0])
    let maximum = parts.count == 2 ? Int(parts[1]) : minimum
    guard minimum != nil || (parts.count == 2 && maximum != nil) else { return nil }
    position = end + 1
    return Interval(minimum: minimum ?? 0, maximum: maximum, isFixed: parts.count == 1)
  }

  private mutating func repeated(_ atom: String, _ interval: Interval) throws(TokenizerError) -> String {
    guard !atom.isEmpty else { throw refusal("an interval after nothing") }
    if let maximum = interval.maximum, maximum < interval.minimum {
      throw refusal("an interval {n,m} with n > m")
    }
    let maximum = interval.maximum.map(String.init) ?? ""
    let bounds = interval.isFixed ? "\(interval.minimum)" : "\(interval.minimum),\(maximum)"
    let result = "\(atom){\(bounds)}"
    switch current {
    case "?" where !interval.isFixed:
      position += 1
      return result + "?"
    case "?", "+", "*": return "(?:\(result))"
    default: return result
    }
  }

  /// A group, `position` at its `(`.
  private mutating func group() throws(TokenizerError) -> String {
    position += 1
    if starts(with: "*") { throw refusal("(* ...)") }
    guard starts(with: "?") else { return try closed("(") }
    for opening in ["?:", "?=", "?!", "?>", "?<=", "?<!"] where starts(with: opening) {
      position += opening.unicodeScalars.count
      return try closed("(" + opening)
    }
    if starts(with: "?#") {
      guard let end = source[position...].firstIndex(of: ")") else { throw refusal("an open comment") }
      position = end + 1
      return ""
    }
    if starts(with: "?<") || starts(with: "?'") { return try namedGroup() }
    position += 1
    return try optionGroup()
  }

  private mutating func namedGroup() throws(TokenizerError) -> String {
    let closing: Unicode.Scalar = source[position + 1] == "<" ? ">" : "'"
    position += 2
    var name = ""
    while let scalar = current, scalar != closing {
      guard scalar.isASCII, scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_"
      else {
        throw refusal("a group name that is not ASCII")
      }
      name += String(Character(scalar))
      position += 1
    }
    guard current == closing else { throw refusal("an open group name") }
    position += 1
    return try closed("(?<\(name)>")
  }

  /// `(?imx-imx)` and `(?imx-imx:...)`, `position` after the question mark.
  private mutating func optionGroup() throws(TokenizerError) -> String {
    var options = ""
    while let scalar = current, scalar != ":", scalar != ")" {
      switch scalar {
      case "i", "-": options += String(Character(scalar))
      case "m": options += "s"
      default: throw refusal("the group (?\(scalar)")
      }
      position += 1
    }
    guard let scalar = current else { throw refusal("an open group") }
    position += 1
    if scalar == ":" { return try closed("(?\(options):") }
    // The options hold for the rest of the enclosing group, as one alternation.
    return "(?\(options):" + (try alternatives()) + ")"
  }

  private mutating func closed(_ opening: String) throws(TokenizerError) -> String {
    let content = try alternatives()
    guard current == ")" else { throw refusal("an open group") }
    position += 1
    return opening + content + ")"
  }
}
