extension OnigurumaTranslator {
  /// A bracketed set as PCRE2 can say it: members of one set, and other expressions one scalar wide.
  private struct CharacterSet {
    var members = ""
    var others: [String] = []

    var union: String {
      if others.isEmpty { return members.isEmpty ? "(?!)" : "[\(members)]" }
      return "(?:" + (members.isEmpty ? others : ["[\(members)]"] + others).joined(separator: "|") + ")"
    }
  }

  /// A set, `position` at its `[`.
  mutating func characterSet() throws(TokenizerError) -> String {
    position += 1
    let isNegated = current == "^"
    if isNegated { position += 1 }
    var operands: [CharacterSet] = []
    var set = CharacterSet()
    var isFirst = true
    while let scalar = current, scalar != "]" || isFirst {
      isFirst = false
      if starts(with: "&&") {
        position += 2
        operands.append(set)
        set = CharacterSet()
      } else if starts(with: "[:"), let members = try posixBracket() {
        Self.add(members, to: &set)
      } else if scalar == "[" {
        set.others.append(try characterSet())
      } else {
        try member(of: &set)
      }
    }
    guard current == "]" else { throw refusal("an open set") }
    position += 1
    if operands.isEmpty {
      if isNegated, set.others.isEmpty, !set.members.isEmpty { return "[^\(set.members)]" }
      return isNegated ? "(?:(?!\(set.union))(?s:.))" : set.union
    }
    let others = operands.map { "(?=\($0.union))" }.joined()
    return isNegated ? "(?:(?!\(others)\(set.union))(?s:.))" : "(?:\(others)\(set.union))"
  }

  /// One scalar, range or escape.
  private mutating func member(of set: inout CharacterSet) throws(TokenizerError) {
    let first: Escape
    if current == "\\" {
      first = try readEscape(inSet: true)
    } else {
      first = .scalar(source[position])
      position += 1
    }
    guard case .scalar(let lower) = first else {
      Self.add(first, to: &set)
      return
    }
    guard current == "-", position + 1 < source.count, source[position + 1] != "]" else {
      set.members += Self.quoted(lower)
      return
    }
    position += 1
    if starts(with: "[") {
      set.members += Self.quoted(lower) + "\\-"
      return
    }
    let second: Escape
    if current == "\\" {
      second = try readEscape(inSet: true)
    } else {
      second = .scalar(source[position])
      position += 1
    }
    guard case .scalar(let upper) = second else {
      set.members += Self.quoted(lower) + "\\-"
      Self.add(second, to: &set)
      return
    }
    guard lower.value <= upper.value else { throw refusal("a range in the wrong order") }
    set.members += "\\x{\(String(lower.value, radix: 16))}-\\x{\(String(upper.value, radix: 16))}"
  }

  private static func add(_ escape: Escape, to set: inout CharacterSet) {
    switch escape {
    case .scalar(let scalar): set.members += quoted(scalar)
    case .members(let members): set.members += members
    case .complement(let members): set.others.append("[^\(members)]")
    case .other(let text): set.others.append(text)
    }
  }

  /// `[:alpha:]` or `[:^alpha:]`; nil (and nothing read) when it is not one.
  private mutating func posixBracket() throws(TokenizerError) -> Escape? {
    guard let end = source[position...].firstIndex(of: "]"), end >= position + 4, source[end - 1] == ":"
    else {
      return nil
    }
    var name = ""
    for scalar in source[(position + 2)..<(end - 1)] { name += String(Character(scalar)) }
    let isNegated = name.hasPrefix("^")
    if isNegated { name.removeFirst() }
    guard let members = Self.posixMembers[name] else { return nil }
    position = end + 1
    return isNegated ? .complement(members) : .members(members)
  }

  private static let posixMembers: [String: String] = [
    "alnum": "\\p{Alphabetic}\\p{Nd}", "alpha": "\\p{Alphabetic}", "ascii": "\\x00-\\x7F",
    "blank": "\\t\\p{Zs}",
    "cntrl": "\\p{Cc}", "digit": "\\p{Nd}", "lower": "\\p{Lowercase}", "punct": "\\p{P}\\p{S}",
    "space": "\\s",
    "upper": "\\p{Uppercase}", "word": wordInSet, "xdigit": "0-9A-Fa-f",
  ]

  private static let longCategories: [String: String] = [
    "letter": "L", "casedletter": "L&", "uppercaseletter": "Lu", "lowercaseletter": "Ll",
    "titlecaseletter": "Lt",
    "modifierletter": "Lm", "otherletter": "Lo", "mark": "M", "combiningmark": "M", "nonspacingmark": "Mn",
    "spacingmark": "Mc", "enclosingmark": "Me", "number": "N", "decimalnumber": "Nd", "letternumber": "Nl",
    "othernumber": "No", "punctuation": "P", "connectorpunctuation": "Pc", "dashpunctuation": "Pd",
    "openpunctuation": "Ps", "closepunctuation": "Pe", "initialpunctuation": "Pi", "finalpunctuation": "Pf",
    "otherpunctuation": "Po", "symbol": "S", "mathsymbol": "Sm", "currencysymbol": "Sc",
    "modifiersymbol": "Sk",
    "othersymbol": "So", "separator": "Z", "spaceseparator": "Zs", "lineseparator": "Zl",
    "paragraphseparator": "Zp", "other": "C", "control": "Cc", "format": "Cf", "privateuse": "Co",
    "unassigned": "Cn", "lc": "L&",
  ]

  private static let shortCategories: Set<String> = [
    "l", "lu", "ll", "lt", "lm", "lo", "m", "mn", "mc", "me", "n", "nd", "nl", "no", "p", "pc", "pd", "ps",
    "pe",
    "pi", "pf", "po", "s", "sm", "sc", "sk", "so", "z", "zs", "zl", "zp", "c", "cc", "cf", "co", "cn",
  ]

  private static let binaryProperties: [String: String] = [
    "alphabetic": "Alphabetic", "uppercase": "Uppercase", "lowercase": "Lowercase", "emoji": "Emoji",
    "ideographic": "Ideographic", "extendedpictographic": "Extended_Pictographic",
    "emojipresentation": "Emoji_Presentation", "emojimodifier": "Emoji_Modifier",
    "emojimodifierbase": "Emoji_Modifier_Base",
  ]

  /// Content of a PCRE2 set for a property named in lower case without spaces, dashes and underscores.
  static func members(ofProperty name: String) -> String? {
    if shortCategories.contains(name) { return "\\p{\(name.prefix(1).uppercased())\(name.dropFirst())}" }
    if let category = longCategories[name] { return "\\p{\(category)}" }
    if name == "any" { return "\\p{Any}" }
    if name == "whitespace" { return "\\s" }
    if let property = binaryProperties[name] { return "\\p{\(property)}" }
    // Unlike the bracket [:punct:], the property leaves symbols out.
    if name == "punct" { return "\\p{P}" }
    if let members = posixMembers[name] { return members }
    guard !name.isEmpty, name.utf8.allSatisfy({ $0 >= 0x61 && $0 <= 0x7A }) else { return nil }
    // A script: PCRE2 refuses a name that it does not know.
    return "\\p{sc:\(name)}"
  }
}
