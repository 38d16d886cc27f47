package import Parsing

extension StepTrace: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      epoch: try reader.epoch(), step: try reader.step(), rank: try reader.u32("rank"),
      rows: try reader.u32("rows"), sampledRows: try reader.u32("sampled rows"),
      wholeRows: try reader.u32("whole rows"))
    exchanges = try reader.list("exchanges", minimumBytes: 29) { r throws(ParseError) in
      try ExchangeTrace(from: &r)
    }
    routing = try reader.list("routing", minimumBytes: 13) { r throws(ParseError) in
      RoutingTrace(
        layer: try r.i32("layer"), usesAllToAll: try r.bool("all-to-all"),
        experts: try r.list("chosen experts", minimumBytes: 4) { inner throws(ParseError) in
          try inner.i32("expert")
        })
    }
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.step(step)
    writer.u32(rank)
    writer.u32(rows)
    writer.u32(sampledRows)
    writer.u32(wholeRows)
    writer.list(exchanges) { $1.write(to: &$0) }
    writer.list(routing) {
      $0.i32($1.layer)
      $0.bool($1.usesAllToAll)
      $0.list($1.experts) { $0.i32($1) }
    }
  }
}

extension ExchangeTrace: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      operation: try reader.choice("operation"), layer: try reader.i32("layer"),
      start: try reader.u64("start"), duration: try reader.u64("duration"))
    sent = try reader.list("messages", minimumBytes: 16) { r throws(ParseError) in
      Message(
        peer: try r.u32("peer"), frames: try r.u32("frames"), payloadBytes: try r.u64("payload bytes"))
    }
  }

  package func write(to writer: inout ByteWriter) {
    writer.u8(operation.rawValue)
    writer.i32(layer)
    writer.u64(start)
    writer.u64(duration)
    writer.list(sent) {
      $0.u32($1.peer)
      $0.u32($1.frames)
      $0.u64($1.payloadBytes)
    }
  }
}
