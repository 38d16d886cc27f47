internal import Parsing

/// What the coordinator asks of a node, as a message body.
struct NodeTask: Sendable, Equatable {
  enum Kind: UInt8 {
    case clock = 1
    case measure = 2
    case serve = 3
  }

  var kind: Kind
  /// Never used twice.
  var number: UInt64
  var peer = 0

  init(_ kind: Kind, number: UInt64, peer: Int = 0) {
    (self.kind, self.number, self.peer) = (kind, number, peer)
  }

  init?(_ payload: [UInt8]) {
    var reader = ByteReader(payload.span)
    guard let code = try? reader.u8(), let kind = Kind(rawValue: code), let number = try? reader.u64(),
      let peer = try? reader.u32()
    else { return nil }
    self.init(kind, number: number, peer: Int(peer))
  }

  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.u8(kind.rawValue)
    writer.u64(number)
    writer.u32(UInt32(peer))
    return writer.bytes
  }
}

/// The answer to it.
struct NodeAnswer: Sendable, Equatable {
  var number: UInt64
  /// Seconds since 1970, for `clock`.
  var clock = 0.0
  /// For `measure`.
  var figures: LinkFigures?
  /// One sentence when it could not be done.
  var problem = ""

  init(number: UInt64, clock: Double = 0, figures: LinkFigures? = nil, problem: String = "") {
    (self.number, self.clock, self.figures, self.problem) = (number, clock, figures, problem)
  }

  init?(_ payload: [UInt8]) {
    var reader = ByteReader(payload.span)
    guard let number = try? reader.u64(), let clock = try? reader.f64(), let measured = try? reader.bool()
    else { return nil }
    self.init(number: number, clock: clock)
    if measured {
      guard let trip = try? reader.f64(), let forward = try? reader.f64(), let back = try? reader.f64() else {
        return nil
      }
      figures = LinkFigures(
        roundTripMicroseconds: trip, forwardBytesPerSecond: forward, backwardBytesPerSecond: back)
    }
    problem = (try? reader.lengthPrefixedString(atMost: 4096)) ?? ""
  }

  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.u64(number)
    writer.f64(clock)
    writer.bool(figures != nil)
    if let figures {
      writer.f64(figures.roundTripMicroseconds)
      writer.f64(figures.forwardBytesPerSecond)
      writer.f64(figures.backwardBytesPerSecond)
    }
    writer.lengthPrefixedString(String(problem.prefix(1000)))
    return writer.bytes
  }
}
