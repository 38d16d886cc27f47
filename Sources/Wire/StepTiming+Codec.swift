package import Parsing

extension StepTiming: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      epoch: try reader.epoch(), step: try reader.step(), rows: try reader.u32("rows"),
      received: try reader.u64("time of the plan"), begun: try reader.u32("begin"),
      ended: try reader.u32("end"), sent: try reader.u32("time of the result"))
    marks = try reader.list("marks", minimumBytes: 4) { r throws(ParseError) in try r.u32("mark") }
    exchanges = try reader.list("exchanges", minimumBytes: 41) { r throws(ParseError) in
      try ExchangeTiming(from: &r)
    }
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.step(step)
    writer.u32(rows)
    writer.u64(received)
    for value in [begun, ended, sent] { writer.u32(value) }
    writer.list(marks) { $0.u32($1) }
    writer.list(exchanges) { $1.write(to: &$0) }
  }
}

extension ExchangeTiming: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      operation: try reader.choice("operation"), point: try reader.u32("point"),
      sequence: try reader.u32("sequence"), started: try reader.u32("start"),
      posted: try reader.u32("time of sending"), arrived: try reader.u32("arrival"),
      ended: try reader.u32("end"), lastPeer: try reader.i32("last peer"),
      frames: try reader.u32("frames"), bytesSent: try reader.u64("bytes sent"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.u8(operation.rawValue)
    for value in [point, sequence, started, posted, arrived, ended] { writer.u32(value) }
    writer.i32(lastPeer)
    writer.u32(frames)
    writer.u64(bytesSent)
  }
}

extension Inquiry: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    let start = reader.position
    switch try reader.u8("inquiry") {
    case 1: self = .clock(try reader.u32("number"))
    case 2: self = .recordTimes(steps: try reader.u32("steps"))
    case 3: self = .times
    case 4: self = .readBandwidth
    case let kind: throw ParseError(message: "inquiry \(kind) is unknown", byteOffset: start)
    }
  }

  package func write(to writer: inout ByteWriter) {
    switch self {
    case .clock(let number):
      writer.u8(1)
      writer.u32(number)
    case .recordTimes(let steps):
      writer.u8(2)
      writer.u32(steps)
    case .times: writer.u8(3)
    case .readBandwidth: writer.u8(4)
    }
  }
}

extension InquiryAnswer: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    let start = reader.position
    switch try reader.u8("answer") {
    case 1: self = .clock(try reader.u32("number"), try reader.u64("time"))
    case 2:
      let dropped = try reader.u64("dropped steps")
      self = .times(
        try reader.list("steps", minimumBytes: 48) { r throws(ParseError) in try StepTiming(from: &r) },
        dropped: dropped)
    case 3:
      let rate = Double(bitPattern: try reader.u64("bandwidth"))
      guard rate > 0, rate <= 1e15 else {
        throw ParseError(message: "bandwidth \(rate) is not possible", byteOffset: start)
      }
      self = .readBandwidth(rate)
    case let kind: throw ParseError(message: "answer \(kind) is unknown", byteOffset: start)
    }
  }

  package func write(to writer: inout ByteWriter) {
    switch self {
    case .clock(let number, let time):
      writer.u8(1)
      writer.u32(number)
      writer.u64(time)
    case .readBandwidth(let rate):
      writer.u8(3)
      writer.u64(rate.bitPattern)
    case .times(let steps, let dropped):
      writer.u8(2)
      writer.u64(dropped)
      writer.list(steps) { $1.write(to: &$0) }
    }
  }
}
