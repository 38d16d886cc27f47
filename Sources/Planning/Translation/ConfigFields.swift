import Parsing

/// The members of one configuration object, read with sentences that name the member and what was found
/// instead.
struct ConfigFields {
  private let object: JSONObject
  /// What comes before the names of members in sentences, for example `parallel.`.
  private let prefix: String

  init(_ object: JSONObject, prefix: String = "") {
    self.object = object
    self.prefix = prefix
  }

  /// A degree: a whole number that a mesh can be made of, or zero as the original lets it pass.
  static let degrees = 0...Int(Int32.max)

  func value(_ key: String) -> JSONValue? { object[key] }

  /// A member that may be missing; present, it must be an object.
  func fields(_ key: String) throws(PlanningError) -> ConfigFields {
    guard let value = object[key] else { return ConfigFields(JSONObject(), prefix: "\(prefix)\(key).") }
    guard let object = value.object else {
      throw wrong(key, value, "must be an object; leave it out for none")
    }
    return ConfigFields(object, prefix: "\(prefix)\(key).")
  }

  /// A whole number in `range`; missing gives `fallback`, or an error when there is none.
  func whole(_ key: String, or fallback: Int? = nil, in range: ClosedRange<Int> = degrees)
    throws(PlanningError)
    -> Int
  {
    guard let value = object[key] else {
      if let fallback { return fallback }
      throw PlanningError("\(prefix)\(key) is missing: give a whole number from \(limits(range)).")
    }
    return try whole(key, value, in: range)
  }

  /// A whole number in `range`, or nil when it is missing or null.
  func optionalWhole(_ key: String, in range: ClosedRange<Int> = degrees) throws(PlanningError) -> Int? {
    guard let value = object[key], !value.isNull else { return nil }
    return try whole(key, value, in: range)
  }

  func flag(_ key: String, or fallback: Bool) throws(PlanningError) -> Bool {
    guard let value = object[key], !value.isNull else { return fallback }
    guard let flag = value.bool else { throw wrong(key, value, "must be true or false") }
    return flag
  }

  func text(_ key: String, or fallback: String? = nil) throws(PlanningError) -> String {
    guard let value = object[key] else {
      if let fallback { return fallback }
      throw PlanningError("\(prefix)\(key) is missing: give a text.")
    }
    guard let text = value.string else { throw wrong(key, value, "must be a text") }
    return text
  }

  private func whole(_ key: String, _ value: JSONValue, in range: ClosedRange<Int>) throws(PlanningError)
    -> Int
  {
    guard case .integer(let number) = value, let whole = Int(exactly: number), range.contains(whole) else {
      throw wrong(key, value, "must be a whole number from \(limits(range))")
    }
    return whole
  }

  private func limits(_ range: ClosedRange<Int>) -> String { "\(range.lowerBound) to \(range.upperBound)" }

  func wrong(_ key: String, _ value: JSONValue, _ demand: String) -> PlanningError {
    PlanningError("\(prefix)\(key) is \(Self.shown(value)), but \(demand).")
  }

  /// The value as JSON text, cut short when it is long.
  static func shown(_ value: JSONValue) -> String {
    let text = JSONWriter.string(value, options: .spaced)
    return text.unicodeScalars.count <= 60
      ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(57))) + "..."
  }
}
