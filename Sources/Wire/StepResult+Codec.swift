package import Parsing

extension StepResult: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(epoch: try reader.epoch(), step: try reader.step(), group: try reader.index("group"))
    sampled = try reader.list("sampled tokens", minimumBytes: 9) { r throws(ParseError) in
      try SampledToken(from: &r)
    }
    payloads = try reader.list("payloads", minimumBytes: 25) { r throws(ParseError) in
      try StepPayload(from: &r)
    }
    expertLoad = try reader.list("expert load", minimumBytes: 4) { r throws(ParseError) in try r.u32("load") }
    timings.total = try reader.u64("total time")
    timings.communication = try reader.u64("communication time")
    timings.sampling = try reader.u64("sampling time")
    timings.bytesSent = try reader.u64("bytes sent")
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.step(step)
    writer.i32(group)
    writer.list(sampled) { $1.write(to: &$0) }
    writer.list(payloads) { $1.write(to: &$0) }
    writer.list(expertLoad) { $0.u32($1) }
    writer.u64(timings.total)
    writer.u64(timings.communication)
    writer.u64(timings.sampling)
    writer.u64(timings.bytesSent)
  }
}

extension SampledToken: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      slot: try reader.index("slot"), token: try reader.token(),
      logprobs: try reader.optional("logprobs") { r throws(ParseError) in
        TokenLogprobs(
          chosen: try r.f32("logprob"),
          top: try r.list("top logprobs", minimumBytes: 8) { inner throws(ParseError) in
            TokenLogprobs.Entry(token: try inner.token(), logprob: try inner.f32("logprob"))
          })
      })
  }

  package func write(to writer: inout ByteWriter) {
    writer.i32(slot)
    writer.i32(token.rawValue)
    writer.optional(logprobs) {
      $0.f32($1.chosen)
      $0.list($1.top) {
        $0.i32($1.token.rawValue)
        $0.f32($1.logprob)
      }
    }
  }
}

extension StepPayload: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    let start = reader.position
    self.init(
      slot: try reader.index("slot"), kind: try reader.choice("payload kind"),
      index: try reader.index("payload index"), startPosition: try reader.index("start position"),
      rows: try reader.index("rows"), columns: try reader.index("columns"),
      bytes: try reader.lengthPrefixedBytes("payload"))
    let (elements, overflow) = Int(rows).multipliedReportingOverflow(by: Int(columns))
    guard !overflow, bytes.count % 4 == 0, bytes.count / 4 == elements else {
      throw ParseError(
        message: "a payload of \(rows) x \(columns) elements cannot have \(bytes.count) bytes",
        byteOffset: start)
    }
  }

  package func write(to writer: inout ByteWriter) {
    writer.i32(slot)
    writer.u8(kind.rawValue)
    writer.i32(index)
    writer.i32(startPosition)
    writer.i32(rows)
    writer.i32(columns)
    writer.lengthPrefixedBytes(bytes)
  }
}

extension StepPayload {
  /// The elements of a f32 payload, row-major.
  package var floats: [Float] {
    (0..<(bytes.count / 4)).map { Float(bitPattern: word($0)) }
  }

  /// The elements of an i32 payload, row-major.
  package var integers: [Int32] {
    (0..<(bytes.count / 4)).map { Int32(bitPattern: word($0)) }
  }

  private func word(_ index: Int) -> UInt32 {
    var value: UInt32 = 0
    for byte in 0..<4 { value |= UInt32(bytes[index * 4 + byte]) << UInt32(8 * byte) }
    return value
  }
}
