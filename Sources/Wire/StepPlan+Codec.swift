internal import KVCaching
package import Parsing

extension StepPlan: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(epoch: Epoch(rawValue: 0), step: StepNumber(rawValue: 0), groups: [])
    try read(from: &reader)
  }

  /// Reads a plan over this one, in the memory that this one has: a decode step like the one before allocates nothing.
  ///
  /// - Throws: as `init(from:)`; this plan is then half the old and half the new one.
  package mutating func read(from reader: inout ByteReader) throws(ParseError) {
    epoch = try reader.epoch()
    step = try reader.step()
    try reader.list(into: &groups, "groups", minimumBytes: 12, empty: GroupPlan()) {
      (r, group) throws(ParseError) in try group.read(from: &r)
    }
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
    try read(from: &reader)
  }

  mutating func read(from reader: inout ByteReader) throws(ParseError) {
    try reader.list(into: &releases, "releases", minimumBytes: 4, empty: 0) { (r, slot) throws(ParseError) in
      slot = try r.index("released slot")
    }
    admissions = try reader.list("admissions", minimumBytes: 84) { r throws(ParseError) in
      try SequenceAdmission(from: &r)
    }
    try reader.list(into: &chunks, "chunks", minimumBytes: 22, empty: SequenceChunk()) {
      (r, chunk) throws(ParseError) in try chunk.read(from: &r)
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
    self.init()
    try read(from: &reader)
  }

  /// An empty chunk to read into.
  fileprivate init() { self.init(slot: 0, startPosition: 0, tokens: [], pageTable: [], output: []) }

  fileprivate mutating func read(from reader: inout ByteReader) throws(ParseError) {
    slot = try reader.index("slot")
    let start = reader.position
    startPosition = try reader.index("start position")
    try reader.list(into: &tokens, "chunk tokens", minimumBytes: 4, empty: TokenID(rawValue: 0)) {
      (r, token) throws(ParseError) in token = try r.token("chunk tokens")
    }
    guard !tokens.isEmpty, Int(startPosition) + tokens.count <= Int(Int32.max) else {
      throw ParseError(
        message: "a chunk of \(tokens.count) tokens cannot start at position \(startPosition)",
        byteOffset: start)
    }
    nextToken = try reader.optional("next token") { r throws(ParseError) in try r.token() }
    try reader.list(into: &pageTable, "page table", minimumBytes: 4, empty: PageID(rawValue: 0)) {
      (r, page) throws(ParseError) in page = PageID(rawValue: try r.index("page table"))
    }
    let offset = reader.position
    output = OutputRequest(rawValue: try reader.u8("output request"))
    guard output.isSubset(of: .all) else {
      throw ParseError(message: "output request \(output.rawValue) has unknown bits", byteOffset: offset)
    }
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
