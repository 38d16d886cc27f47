/// What is wrong with the text of link conditions: one sentence.
package struct LinkConditionsError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

extension LinkConditions: CustomStringConvertible {
  private static let maxRules = 4096
  private static let maxBytes = 256 << 10

  /// Reads the form that `LinkConditions` describes; `worldSize` bounds the ranks.
  package init(_ text: String, worldSize: Int) throws(LinkConditionsError) {
    self.init()
    guard text.utf8.count <= Self.maxBytes else {
      throw Self.refusal("is longer than \(Self.maxBytes) bytes")
    }
    for part in text.split(separator: ";") {
      let part = part.drop { $0 == " " }
      if part == "clear" { continue }
      if part.hasPrefix("seed=") {
        guard let number = UInt64(part.dropFirst(5)) else {
          throw Self.refusal("has the seed '\(part)'; give a number")
        }
        seed = number
        continue
      }
      rules.append(try LinkRule(part, worldSize: worldSize))
      guard rules.count <= Self.maxRules else { throw Self.refusal("has more than \(Self.maxRules) rules") }
    }
  }

  /// The text that `init` reads.
  package var description: String {
    let parts = rules.map { "\($0)" } + (seed == 0 ? [] : ["seed=\(seed)"])
    return parts.isEmpty ? "clear" : parts.joined(separator: ";")
  }

  fileprivate static func refusal(_ what: String) -> LinkConditionsError {
    LinkConditionsError(description: "--link-conditions \(what).")
  }
}

extension LinkRule: CustomStringConvertible {
  fileprivate init(_ text: Substring, worldSize: Int) throws(LinkConditionsError) {
    self.init()
    var rest = text
    if let colon = text.firstIndex(of: ":") {
      try readRanks(text[..<colon], worldSize: worldSize)
      rest = text[text.index(after: colon)...]
    }
    var isEmpty = true
    for item in rest.split(separator: ",") {
      let parts = item.split(separator: "=", maxSplits: 1)
      guard let key = parts.first else { continue }
      try read(String(key), parts.count > 1 ? String(parts[1]) : nil)
      isEmpty = false
    }
    if isEmpty { throw LinkConditions.refusal("has the empty rule '\(text)'; give for instance delay=200us") }
  }

  private mutating func readRanks(_ text: Substring, worldSize: Int) throws(LinkConditionsError) {
    guard let sign = text.firstIndex(where: { $0 == ">" || $0 == "-" }) else {
      throw LinkConditions.refusal("names the link '\(text)'; give A>B for one direction or A-B for both")
    }
    func rank(_ text: Substring) throws(LinkConditionsError) -> Int? {
      if text == "*" { return nil }
      guard let number = Int(text), (0..<worldSize).contains(number) else {
        throw LinkConditions.refusal("names rank '\(text)'; give 0 to \(worldSize - 1), or * for any")
      }
      return number
    }
    from = try rank(text[..<sign])
    to = try rank(text[text.index(after: sign)...])
    isBothWays = text[sign] == "-"
    if let from, from == to { throw LinkConditions.refusal("names a link of rank \(from) with itself") }
  }

  private mutating func read(_ key: String, _ value: String?) throws(LinkConditionsError) {
    switch key {
    case "delay": delay = try Self.duration(key, value)
    case "jitter": jitter = try Self.duration(key, value)
    case "rate": rate = try Self.bits(value)
    case "drop": drop = try Self.chance(key, value)
    case "duplicate": duplicate = try Self.chance(key, value)
    case "reorder": reorder = try Self.chance(key, value)
    case "corrupt": corrupt = try Self.chance(key, value)
    case "falsify": falsify = try Self.chance(key, value)
    case "truncate": truncate = try Self.chance(key, value)
    case "stale": stale = try Self.chance(key, value)
    case "cut" where value == nil: isCut = true
    case "after": after = try Self.duration(key, value)
    case "for": duration = try Self.duration(key, value)
    case "step": firstStep = UInt64(try Self.integer(key, value, 0...Int(Int32.max)))
    case "operation": operation = UInt32(try Self.integer(key, value, 0...Int(Int32.max)))
    case "times": times = try Self.integer(key, value, 1...1_000_000)
    default:
      throw LinkConditions.refusal(
        "has '\(key)'; allowed are delay, jitter, rate, drop, duplicate, reorder, corrupt, falsify, truncate, stale, "
          + "cut, after, for, step, operation, times")
    }
  }

  private static func duration(_ key: String, _ text: String?) throws(LinkConditionsError) -> Duration {
    let units: [(name: String, nanoseconds: Double)] = [("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9)]
    for unit in units where text?.hasSuffix(unit.name) == true {
      guard let number = Double(text?.dropLast(unit.name.count) ?? ""), number >= 0 else { continue }
      let nanoseconds = number * unit.nanoseconds
      if nanoseconds <= 600e9 { return .nanoseconds(Int64(nanoseconds.rounded())) }
    }
    throw LinkConditions.refusal(
      "has \(key)=\(text ?? ""); give a time such as 200us, 5ms or 1s, at most 600s")
  }

  private static func bits(_ text: String?) throws(LinkConditionsError) -> Double {
    let units: [(name: String, bits: Double)] = [("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3), ("bit", 1)]
    for unit in units where text?.hasSuffix(unit.name) == true {
      guard let number = Double(text?.dropLast(unit.name.count) ?? "") else { continue }
      let bits = number * unit.bits
      if bits >= 1000, bits <= 1e13 { return bits }
    }
    throw LinkConditions.refusal(
      "has rate=\(text ?? ""); give bits per second such as 100mbit or 1gbit, at least 1kbit")
  }

  private static func chance(_ key: String, _ text: String?) throws(LinkConditionsError) -> Double {
    let number = text.map { Double($0) ?? -1 } ?? 1
    guard number >= 0, number <= 1 else {
      throw LinkConditions.refusal("has \(key)=\(text ?? ""); give a chance of 0 to 1")
    }
    return number
  }

  private static func integer(
    _ key: String, _ text: String?, _ range: ClosedRange<Int>
  ) throws(LinkConditionsError) -> Int {
    guard let number = Int(text ?? ""), range.contains(number) else {
      throw LinkConditions.refusal(
        "has \(key)=\(text ?? ""); give a number of \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// The text that can be read again.
  package var description: String {
    var parts: [String] = []
    func add(_ key: String, _ duration: Duration) {
      let (seconds, attoseconds) = duration.components
      parts.append("\(key)=\(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)ns")
    }
    if delay > .zero { add("delay", delay) }
    if jitter > .zero { add("jitter", jitter) }
    if rate > 0 { parts.append("rate=\(rate)bit") }
    for (word, chance) in faultsInWords { parts.append(word == "cut" ? word : "\(word)=\(chance)") }
    if after > .zero { add("after", after) }
    if let duration { add("for", duration) }
    if firstStep > 0 { parts.append("step=\(firstStep)") }
    if let operation { parts.append("operation=\(operation)") }
    if let times { parts.append("times=\(times)") }
    if parts.isEmpty { parts = ["delay=0ns"] }
    let ranks = from.map { "\($0)" } ?? "*"
    let others = to.map { "\($0)" } ?? "*"
    return (from == nil && to == nil ? "" : "\(ranks)\(isBothWays ? "-" : ">")\(others):")
      + parts.joined(separator: ",")
  }
}
