package import Parsing

extension SamplingParameters: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    let start = reader.position
    self.init()
    maxTokens = try reader.optional("max_tokens") { r throws(ParseError) in Int(try r.index("max_tokens")) }
    minTokens = Int(try reader.index("min_tokens"))
    temperature = try reader.f32("temperature")
    topP = try reader.f32("top_p")
    topK = Int(try reader.index("top_k"))
    minP = try reader.f32("min_p")
    repetitionPenalty = try reader.f32("repetition_penalty")
    presencePenalty = try reader.f32("presence_penalty")
    frequencyPenalty = try reader.f32("frequency_penalty")
    seed = try reader.optional("seed") { r throws(ParseError) in try r.u64("seed") }
    stop = try reader.list("stop", minimumBytes: 4) { r throws(ParseError) in
      try r.lengthPrefixedString(atMost: Self.maxStopBytes, "stop text")
    }
    stopTokenIDs = try reader.tokens("stop_token_ids")
    ignoreEOS = try reader.bool("ignore_eos")
    logprobs = try reader.optional("logprobs") { r throws(ParseError) in Int(try r.index("logprobs")) }
    n = Int(try reader.index("n"))
    logitBias = try reader.list("logit_bias", minimumBytes: 8) { r throws(ParseError) in
      LogitBias(token: try r.token(), bias: try r.f32("bias"))
    }
    if let problem = problems().first { throw ParseError(message: problem, byteOffset: start) }
  }

  package func write(to writer: inout ByteWriter) {
    writer.optional(maxTokens) { $0.i32(Int32($1)) }
    writer.i32(Int32(minTokens))
    writer.f32(temperature)
    writer.f32(topP)
    writer.i32(Int32(topK))
    writer.f32(minP)
    writer.f32(repetitionPenalty)
    writer.f32(presencePenalty)
    writer.f32(frequencyPenalty)
    writer.optional(seed) { $0.u64($1) }
    writer.list(stop) { $0.lengthPrefixedString($1) }
    writer.tokens(stopTokenIDs)
    writer.bool(ignoreEOS)
    writer.optional(logprobs) { $0.i32(Int32($1)) }
    writer.i32(Int32(n))
    writer.list(logitBias) {
      $0.i32($1.token.rawValue)
      $0.f32($1.bias)
    }
  }
}
