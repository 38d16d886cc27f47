package import Parsing
package import Topology
internal import Scheduling
internal import Wire

/// The JSON documents of `generate`.
package enum GenerationReport {
  /// The one document of `generate --output json`.
  package static func json(
    model: String, mesh: MeshShape, completions: [Completion], timing: RunTiming
  ) -> JSONValue {
    .members([
      "model": .string(model), "mesh": Self.mesh(mesh), "outputs": .array(completions.map(output)),
      "timing": .members([
        "load_s": .number(timing.loadSeconds),
        "time_to_first_token_s": .number(timing.timeToFirstTokenSeconds),
        "prefill_tokens_per_s": .number(timing.prefillTokensPerSecond),
        "decode_tokens_per_s": .number(timing.decodeTokensPerSecond),
      ]),
    ])
  }

  /// Degrees of all axes and their product.
  package static func mesh(_ shape: MeshShape) -> JSONValue {
    .members([
      "dp": .count(shape.dp), "attn_dp": .count(shape.attnDP), "attn_dp_expert": .count(shape.attnDPExpert),
      "ep": .count(shape.ep), "tp": .count(shape.tp), "world_size": .count(shape.worldSize),
    ])
  }

  private static func output(_ completion: Completion) -> JSONValue {
    let logprobs = zip(completion.tokens, completion.logprobs).map(logprob)
    return .members([
      "index": .count(completion.index), "prompt_token_ids": ids(completion.prompt),
      "token_ids": ids(completion.tokens), "text": .string(completion.text),
      "finish_reason": completion.finishReason.map { .string($0.rawValue) } ?? .null,
      "logprobs": completion.logprobs.isEmpty ? .null : .array(logprobs),
    ])
  }

  private static func ids(_ tokens: [TokenID]) -> JSONValue { .array(tokens.map { .count($0.index) }) }

  private static func logprob(_ token: TokenID, _ values: TokenLogprobs) -> JSONValue {
    .members([
      "token_id": .count(token.index), "logprob": .number(Double(values.chosen)),
      "top": .array(
        values.top.map {
          .members(["token_id": .count($0.token.index), "logprob": .number(Double($0.logprob))])
        }),
    ])
  }
}
