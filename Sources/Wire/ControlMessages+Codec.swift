package import Parsing

extension Hello: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      buildID: try reader.lengthPrefixedString(atMost: 256, "build id"),
      protocolVersion: try reader.u32("protocol version"), rank: try reader.u32("rank"),
      incarnation: try reader.u32("incarnation"), processID: try reader.i32("process id"),
      hostName: try reader.lengthPrefixedString(atMost: 256, "host name"),
      cpuFeatures: try reader.lengthPrefixedString(atMost: 1024, "CPU features"),
      numThreads: try reader.u32("threads"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.lengthPrefixedString(buildID)
    writer.u32(protocolVersion)
    writer.u32(rank)
    writer.u32(incarnation)
    writer.i32(processID)
    writer.lengthPrefixedString(hostName)
    writer.lengthPrefixedString(cpuFeatures)
    writer.u32(numThreads)
  }
}

extension Configure: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      epoch: try reader.epoch(), settings: try reader.lengthPrefixedBytes(atMost: 64 << 20, "settings"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.lengthPrefixedBytes(settings)
  }
}

extension LoadProgress: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      rank: try reader.u32("rank"), bytesDone: try reader.u64("bytes done"),
      bytesTotal: try reader.u64("bytes in all"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.u32(rank)
    writer.u64(bytesDone)
    writer.u64(bytesTotal)
  }
}

extension Ready: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      rank: try reader.u32("rank"), epoch: try reader.epoch(), weightBytes: try reader.u64("weight bytes"),
      numPages: try reader.u32("pages"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.u32(rank)
    writer.epoch(epoch)
    writer.u64(weightBytes)
    writer.u32(numPages)
  }
}

extension Pulse: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      rank: try reader.u32("rank"), epoch: try reader.epoch(), step: try reader.step(),
      phase: try reader.choice("phase"), progress: try reader.u64("progress"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.u32(rank)
    writer.epoch(epoch)
    writer.step(step)
    writer.u8(phase.rawValue)
    writer.u64(progress)
  }
}

extension Abort: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      epoch: try reader.epoch(),
      rank: try reader.optional("rank") { r throws(ParseError) in try r.u32("rank") },
      code: try reader.choice("abort code"), text: try reader.sentence("abort text"),
      operation: try reader.u32("operation"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.optional(rank) { $0.u32($1) }
    writer.u8(code.rawValue)
    writer.sentence(text)
    writer.u32(operation)
  }
}

extension EpochChange: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(epoch: try reader.epoch(), text: try reader.sentence("reason"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.sentence(text)
  }
}

extension EpochAcknowledged: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(rank: try reader.u32("rank"), epoch: try reader.epoch())
  }

  package func write(to writer: inout ByteWriter) {
    writer.u32(rank)
    writer.epoch(epoch)
  }
}

extension AddressBook: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      epoch: try reader.epoch(),
      endpoints: try reader.list("endpoints", minimumBytes: 4) { r throws(ParseError) in
        try r.lengthPrefixedString(atMost: 4096, "endpoint")
      })
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.list(endpoints) { $0.lengthPrefixedString($1) }
  }
}

extension Promotion: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(
      rank: try reader.u32("rank"), incarnation: try reader.u32("incarnation"), epoch: try reader.epoch(),
      dataEndpoint: try reader.lengthPrefixedString(atMost: 4096, "data endpoint"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.u32(rank)
    writer.u32(incarnation)
    writer.epoch(epoch)
    writer.lengthPrefixedString(dataEndpoint)
  }
}

extension Shutdown: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(epoch: try reader.epoch(), text: try reader.sentence("shutdown text"))
  }

  package func write(to writer: inout ByteWriter) {
    writer.epoch(epoch)
    writer.sentence(text)
  }
}
