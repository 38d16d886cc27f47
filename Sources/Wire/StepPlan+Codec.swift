package import Parsing

extension StepPlan: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      epoch: try reader.epoch(), step: try reader.step(),
      groups: try reader.list("groups", minimumBytes: 12) { r throws(ParseError) in try GroupPlan(from: &r) })
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.step(step)
    writer.list(groups) { $1.write(to: &$0) }
  }
}

extension StepPlan.GroupPlan: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init()
    releases = try reader.list("releases", minimumBytes: 4) { r throws(ParseError) in
      try r.index("released slot")
    }
    admissions = try reader.list("admissions", minimumBytes: 84) { r throws(ParseError) in
      try SequenceAdmission(from: &r)
    }
    chunks = try reader.list("chunks", minimumBytes: 22) { r throws(ParseError) in
      try SequenceChunk(from: &r)
    }
  }

  package func write(to writer: inout ByteWriter) {
    writer.list(releases) { $0.i32($1) }
    writer.list(admissions) { $1.write(to: &$0) }
    writer.list(chunks) { $1.write(to: &$0) }
  }
}

extension SequenceAdmission: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      slot: try reader.index("slot"),
      sequence: SequenceID(rawValue: try reader.u64("sequence")),
      sampling: try SamplingParameters(from: &reader),
      randomKey: try reader.u64("random key"),
      suppressedTokens: try reader.tokens("suppressed tokens"),
      promptTokens: try reader.tokens("prompt tokens"),
      outputTokens: try reader.tokens("output tokens"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.i32(slot)
    writer.u64(sequence.rawValue)
    sampling.write(to: &writer)
    writer.u64(randomKey)
    writer.tokens(suppressedTokens)
    writer.tokens(promptTokens)
    writer.tokens(outputTokens)
  }
}

extension SequenceChunk: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    let slot = try reader.index("slot")
    let start = reader.position
    let startPosition = try reader.index("start position")
    let tokens = try reader.tokens("chunk tokens")
    guard !tokens.isEmpty, Int(startPosition) + tokens.count <= Int(Int32.max) else {
      throw ParseError(
        message: "a chunk of \(tokens.count) tokens cannot start at position \(startPosition)",
        byteOffset: start)
    }
    let nextToken = try reader.optional("next token") { r throws(ParseError) in try r.token() }
    let pageTable = try reader.pages("page table")
    let offset = reader.position
    let output = OutputRequest(rawValue: try reader.u8("output request"))
    guard output.isSubset(of: .all) else {
      throw ParseError(message: "output request \(output.rawValue) has unknown bits", byteOffset: offset)
    }
    self.init(
      slot: slot, startPosition: startPosition, tokens: tokens, nextToken: nextToken, pageTable: pageTable,
      output: output)
  }

  package func write(to writer: inout ByteWriter) {
    writer.i32(slot)
    writer.i32(startPosition)
    writer.tokens(tokens)
    writer.optional(nextToken) { $0.i32($1.rawValue) }
    writer.pages(pageTable)
    writer.u8(output.rawValue)
  }
}
