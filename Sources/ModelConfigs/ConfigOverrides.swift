package import Parsing

/// `--hf-overrides`: changes to `config.json` from the command line.
///
/// Keys may be dotted (`"text_config.num_hidden_layers": 2`) and values nested. Objects are merged member by
/// member, except that a rotary-embedding object which names its own type replaces the old one whole, since
/// the members of another type have no meaning in it. Everything else is replaced; null stays null.
package enum ConfigOverrides {
  package static func apply(_ overrides: JSONObject, to object: JSONObject) throws(ModelConfigError)
    -> JSONObject
  {
    var result = object
    for (key, value) in overrides.members {
      let path = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard path.allSatisfy({ !$0.isEmpty }), path.count <= 16 else {
        throw ModelConfigError(
          "--hf-overrides: the key \(describe(.string(key))) must be a name or names joined by single dots")
      }
      result = try set(value, at: path[...], in: result)
    }
    return result
  }

  private static func set(
    _ value: JSONValue, at path: ArraySlice<String>, in object: JSONObject
  ) throws(ModelConfigError) -> JSONObject {
    guard let name = path.first else { return object }
    let old = object[name]
    if path.count > 1 {
      guard old == nil || old?.isNull == true || old?.object != nil else {
        throw ModelConfigError(
          "--hf-overrides: \(name) is \(old?.kindName ?? "nothing") in config.json, so nothing can be set inside it"
        )
      }
      let inner = try set(value, at: path.dropFirst(), in: old?.object ?? JSONObject())
      return replacing(name, .object(inner), in: object)
    }
    guard let new = value.object, let old = old?.object, !replacesWhole(name, new) else {
      return replacing(name, value, in: object)
    }
    return replacing(name, .object(try apply(new, to: old)), in: object)
  }

  private static func replacesWhole(_ name: String, _ value: JSONObject) -> Bool {
    ["rope_scaling", "rope_parameters"].contains(name)
      && (value["rope_type"] != nil || value["type"] != nil)
  }

  private static func replacing(_ name: String, _ value: JSONValue, in object: JSONObject) -> JSONObject {
    var members = object.members.filter { !$0.key.hasSameBytes(as: name) }
    members.append((key: name, value: value))
    return JSONObject(members)
  }
}
