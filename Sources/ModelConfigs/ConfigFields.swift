import Parsing

/// The members of one `config.json` object, with a record of which ones have been understood.
///
/// Every accessor marks its key as known, treats null like absence, and throws a sentence naming file, field
/// and value when the value has the wrong kind or is out of range. `refuseUnknown` then finds what nobody
/// asked for.
struct ConfigFields {
  let object: JSONObject
  /// Where the object stands, for messages: `config.json` or `config.json: text_config`.
  let place: String
  private var known: [String] = []

  init(_ object: JSONObject, place: String) {
    self.object = object
    self.place = place
  }

  /// The raw value, or nil when absent or null.
  mutating func value(_ key: String) -> JSONValue? {
    known.append(key)
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  /// Whether the key is written at all, be it as null.
  func isWritten(_ key: String) -> Bool { object[key] != nil }

  mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(ModelConfigError) -> Int? {
    guard let value = value(key) else { return nil }
    guard let integer = value.int, range.contains(integer) else {
      throw wrong(key, value, "it must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  mutating func requiredInteger(_ key: String, in range: ClosedRange<Int>) throws(ModelConfigError) -> Int {
    guard let integer = try integer(key, in: range) else {
      throw ModelConfigError(
        "\(place) has no \(key); it must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  mutating func number(_ key: String, in range: ClosedRange<Double>) throws(ModelConfigError) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = value.double, range.contains(number) else {
      throw wrong(key, value, "it must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  mutating func bool(_ key: String) throws(ModelConfigError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard let bool = value.bool else { throw wrong(key, value, "it must be true or false") }
    return bool
  }

  mutating func string(_ key: String) throws(ModelConfigError) -> String? {
    guard let value = value(key) else { return nil }
    guard let string = value.string else { throw wrong(key, value, "it must be a string") }
    return string
  }

  mutating func strings(_ key: String) throws(ModelConfigError) -> [String]? {
    guard let value = value(key) else { return nil }
    guard let array = value.array else { throw wrong(key, value, "it must be a list of strings") }
    var strings: [String] = []
    for element in array {
      guard let string = element.string else { throw wrong(key, value, "it must be a list of strings") }
      strings.append(string)
    }
    return strings
  }

  mutating func integers(_ key: String) throws(ModelConfigError) -> [Int]? {
    guard let value = value(key) else { return nil }
    guard let array = value.array else { throw wrong(key, value, "it must be a list of whole numbers") }
    var integers: [Int] = []
    for element in array {
      guard let integer = element.int else {
        throw wrong(key, value, "it must be a list of whole numbers")
      }
      integers.append(integer)
    }
    return integers
  }

  mutating func fields(_ key: String) throws(ModelConfigError) -> ConfigFields? {
    guard let value = value(key) else { return nil }
    guard let object = value.object else { throw wrong(key, value, "it must be an object") }
    return ConfigFields(object, place: "\(place): \(key)")
  }

  /// A single token id or a list of them; nil when the key is not written.
  mutating func tokenIDs(_ key: String) throws(ModelConfigError) -> [Int]? {
    guard isWritten(key) else { return nil }
    guard let value = value(key) else { return [] }
    let elements = value.array ?? [value]
    var ids: [Int] = []
    for element in elements {
      guard let id = element.int, (0...Int(Int32.max)).contains(id) else {
        throw wrong(key, value, "it must be a token id from 0 to \(Int32.max) or a list of them")
      }
      ids.append(id)
    }
    return ids
  }

  /// Marks keys as understood without reading them.
  mutating func accept(_ keys: [String]) { known += keys }

  func wrong(_ key: String, _ value: JSONValue, _ allowed: String) -> ModelConfigError {
    ModelConfigError("\(place): \(key) is \(describe(value)); \(allowed)")
  }

  /// Throws when a member that nobody asked for could change what the model computes.
  ///
  /// Harmless: names on the list, names with a leading underscore (bookkeeping of the writer), and values
  /// that switch nothing on (null, false, zero, empty).
  func refuseUnknown(harmless: [String], modelName: String) throws(ModelConfigError) {
    let allowed = Set(known).union(harmless)
    for (key, value) in object.members {
      if allowed.contains(key) || key.utf8.first == UInt8(ascii: "_") || switchesNothingOn(value) { continue }
      throw ModelConfigError(
        "\(place): the field \(describe(.string(key))) (\(describe(value))) is not known for \(modelName) and could change "
          + "the result; remove it if it has no effect, or use a model without it")
    }
  }

  private func switchesNothingOn(_ value: JSONValue) -> Bool {
    switch value {
    case .null: true
    case .bool(let value): !value
    case .integer(let value): value == 0
    case .number(let value): value == 0
    case .string(let value): value.isEmpty
    case .array(let value): value.isEmpty
    case .object(let value): value.isEmpty
    }
  }
}

/// A value as JSON text, cut to a length that fits a sentence.
func describe(_ value: JSONValue) -> String {
  let text = JSONWriter.string(value, options: .spaced)
  return text.utf8.count <= 60 ? text : String(text.prefix(57)) + "..."
}
