package import Parsing

extension ModelTranslationRequest {
  /// Reads the recorded form: `{"tp", "ep", "attn_dp", "num_lanes", "load_format", "hf": {"nested",
  /// "fields"}, "maxtext_config"}`; `maxtext_config` may be missing, degrees default to 1, the load format to
  /// "auto".
  package init(_ json: JSONObject) throws(PlanningError) {
    let fields = ConfigFields(json)
    if try fields.flag("additional_config_null", or: false) {
      throw PlanningError("additional_config is null, but must be an object; leave it out for none.")
    }
    try self.init(
      tp: fields.whole("tp", or: 1), ep: fields.whole("ep", or: 1), attnDP: fields.whole("attn_dp", or: 1),
      numLanes: fields.whole("num_lanes"), loadFormat: fields.text("load_format", or: "auto"),
      textConfig: Self.recordedTextConfig(fields), maxtextConfig: Self.maxtextConfig(json["maxtext_config"]))
  }

  /// Takes the facts from the text part of a Hugging Face configuration.
  package init(
    tp: Int, ep: Int, attnDP: Int, numLanes: Int, loadFormat: String, textConfig: JSONObject,
    maxtextConfig: JSONObject
  ) throws(PlanningError) {
    let fields = ConfigFields(textConfig)
    let numbers = Int.min...Int.max
    guard let heads = fields.value("num_key_value_heads") else {
      throw PlanningError("num_key_value_heads is missing from the model's configuration: add it.")
    }
    if heads.isNull {
      throw fields.wrong(
        "num_key_value_heads", heads, "must be a whole number: add it to the model's configuration")
    }
    try self.init(
      tp: tp, ep: ep, attnDP: attnDP, numLanes: numLanes, loadFormat: loadFormat,
      numKVHeads: fields.whole("num_key_value_heads", in: numbers),
      numGlobalKVHeads: fields.optionalWhole("num_global_key_value_heads", in: numbers),
      expertIntermediateSize: fields.optionalWhole("moe_intermediate_size", in: numbers),
      maxtextConfig: maxtextConfig)
  }

  /// The part of a Hugging Face configuration that describes the text model: `text_config` when there is such
  /// a member, whatever the outer members say, and the whole otherwise.
  package static func textConfig(of config: JSONObject) throws(PlanningError) -> JSONObject {
    guard let nested = config["text_config"] else { return config }
    guard let object = nested.object else {
      throw PlanningError(
        "text_config is \(ConfigFields.shown(nested)), but must be an object with the text model's "
          + "configuration."
      )
    }
    return object
  }

  /// The caller's `maxtext_config`: empty when missing, an error when null or no object.
  package static func maxtextConfig(_ value: JSONValue?) throws(PlanningError) -> JSONObject {
    guard let value else { return JSONObject() }
    guard let object = value.object else {
      throw PlanningError(
        "maxtext_config is \(ConfigFields.shown(value)), but must be an object; leave it out for no "
          + "overrides."
      )
    }
    return object
  }

  private static func recordedTextConfig(_ fields: ConfigFields) throws(PlanningError) -> JSONObject {
    let config = try fields.fields("hf")
    if try config.flag("text_config_null", or: false) {
      throw PlanningError("text_config is null, but must be an object with the text model's configuration.")
    }
    guard let members = config.value("fields") else {
      throw PlanningError("hf.fields is missing: give the members of the model's configuration.")
    }
    guard let object = members.object else { throw config.wrong("fields", members, "must be an object") }
    return object
  }
}
