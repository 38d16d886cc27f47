package import Parsing

/// The planning functions of the original as a filter: one JSON object in, one JSON object out.
package enum Translator {
  /// The longest line that is read, in bytes, and its deepest nesting.
  package static let limits = JSONLimits(maxDepth: 64, maxBytes: 1 << 24)

  /// Translates one line; what cannot be read or planned gives `{"error": "sentence"}`.
  package static func translate(line: String) -> String {
    JSONWriter.string(translate(text: line), options: .spaced)
  }

  private static func translate(text: String) -> JSONValue {
    do {
      return try translate(JSONReader.parse(text, limits: limits))
    } catch let error as PlanningError {
      return ["error": .string(error.sentence)]
    } catch {
      return ["error": .string("The line is no JSON: \(error).")]
    }
  }

  /// The same on parsed values.
  package static func translate(_ value: JSONValue) throws(PlanningError) -> JSONValue {
    guard let object = value.object else {
      throw PlanningError("The line is \(value.kindName), but must be an object with a \"kind\".")
    }
    switch object["kind"]?.string {
    case "model": return try ModelTranslation(ModelTranslationRequest(object)).json
    case "sharding": return try ShardingSizes(ShardingRequest(object)).json
    default:
      let kind = object["kind"].map(ConfigFields.shown) ?? "missing"
      throw PlanningError("kind is \(kind), but must be \"model\" or \"sharding\".")
    }
  }
}

extension ModelTranslation {
  /// `{"overrides": {..}, "log": [{"kind", "text"}]}`
  package var json: JSONValue {
    [
      "overrides": .object(overrides),
      "log": .array(log.map { ["kind": .string($0.kind.rawValue), "text": .string($0.text)] }),
    ]
  }
}

extension ShardingSizes {
  /// `{"tp", "ep", "attn_dp", "attn_dp_expert", "dp", "total_devices"}`
  package var json: JSONValue {
    [
      "tp": .integer(Int64(tp)), "ep": .integer(Int64(ep)), "attn_dp": .integer(Int64(attnDP)),
      "attn_dp_expert": .integer(Int64(attnDPExpert)), "dp": .integer(Int64(dp)),
      "total_devices": .integer(Int64(totalDevices)),
    ]
  }
}
