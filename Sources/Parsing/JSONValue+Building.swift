extension JSONValue {
  /// An object with these members, in this order.
  package static func members(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(JSONObject(members.map { (key: $0.key, value: $0.value) }))
  }

  package static func count(_ value: Int) -> JSONValue { .integer(Int64(value)) }
}
