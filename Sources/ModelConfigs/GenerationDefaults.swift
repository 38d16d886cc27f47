package import Parsing

/// What `generation_config.json` recommends; its end-of-sequence ids outrank those of `config.json`.
package struct GenerationDefaults: Sendable, Hashable {
  package var bosTokenID: Int?
  /// Nil when the file does not say.
  package var eosTokenIDs: [Int]?
  package var doSample: Bool?
  package var temperature: Double?
  package var topP: Double?
  package var topK: Int?
  package var minP: Double?
  package var repetitionPenalty: Double?
  package var maxNewTokens: Int?

  package init() {}

  /// Reads the file's content; members that are not listed here are ignored.
  package init(json: JSONValue) throws(ModelConfigError) {
    guard let object = json.object else {
      throw ModelConfigError("generation_config.json holds \(json.kindName); it must hold an object")
    }
    var fields = ConfigFields(object, place: "generation_config.json")
    bosTokenID = try fields.tokenIDs("bos_token_id")?.first
    let ids = try fields.tokenIDs("eos_token_id")
    eosTokenIDs = ids?.isEmpty == true ? nil : ids
    doSample = try fields.bool("do_sample")
    temperature = try fields.number("temperature", in: 0...1e6)
    topP = try fields.number("top_p", in: 0...1)
    topK = try fields.integer("top_k", in: -1...Int(Int32.max))
    minP = try fields.number("min_p", in: 0...1)
    repetitionPenalty = try fields.number("repetition_penalty", in: 0...1e6)
    maxNewTokens = try fields.integer("max_new_tokens", in: 0...Int(Int32.max))
  }

  /// The ids that end a sequence of a model with this configuration.
  package func eosTokenIDs(for config: ModelConfig) -> [Int] { eosTokenIDs ?? config.eosTokenIDs }
}
