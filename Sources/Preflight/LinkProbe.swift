package import Transport
package import Wire

/// What a link between two ranks can do.
package struct LinkFigures: Sendable, Equatable {
  /// Median round trip of a frame of 64 bytes.
  package var roundTripMicroseconds: Double
  /// Bytes per second from the asking rank to the other, and back.
  package var forwardBytesPerSecond: Double
  package var backwardBytesPerSecond: Double

  package init(
    roundTripMicroseconds: Double, forwardBytesPerSecond: Double, backwardBytesPerSecond: Double
  ) {
    self.roundTripMicroseconds = roundTripMicroseconds
    self.forwardBytesPerSecond = forwardBytesPerSecond
    self.backwardBytesPerSecond = backwardBytesPerSecond
  }

  /// Takes over each figure of another measurement of the same link that is better.
  mutating func keepBest(of other: LinkFigures) {
    roundTripMicroseconds = min(roundTripMicroseconds, other.roundTripMicroseconds)
    forwardBytesPerSecond = max(forwardBytesPerSecond, other.forwardBytesPerSecond)
    backwardBytesPerSecond = max(backwardBytesPerSecond, other.backwardBytesPerSecond)
  }

  /// The slower direction.
  package var bytesPerSecond: Double { min(forwardBytesPerSecond, backwardBytesPerSecond) }
}

/// Measures one link: one rank asks, the other answers; frames, encryption and sockets are those of a real run.
package struct LinkProbe {
  private let link: any PeerLink
  private let peer: Int
  /// Tells this conversation from others whose frames may still be under way.
  private let step: StepNumber

  /// What a frame asks for, in its `round`.
  private enum Call {
    static let echo: UInt32 = 1
    static let flood: UInt32 = 2
    static let floodEnd: UInt32 = 3
    /// Frames wanted are in `sequence`.
    static let floodBack: UInt32 = 4
    static let answer: UInt32 = 5
    static let done: UInt32 = 6
  }

  private static let numEchoes = 40
  private static let chunkBytes = 256 << 10
  private static let mostChunks = 256
  /// A flood that took so long is long enough to go by.
  private static let enough = Duration.milliseconds(40)
  /// First contact includes connecting.
  package static let contactDeadline = Duration.seconds(5)
  private static let answerDeadline = Duration.seconds(10)

  package init(_ link: any PeerLink, peer: Int, step: StepNumber) {
    (self.link, self.peer, self.step) = (link, peer, step)
  }

  /// Asks.
  ///
  /// - Throws: `deadlineExceeded` when the other does not answer.
  package func measure() throws(TransportError) -> LinkFigures {
    var times: [Double] = []
    _ = try echo(Self.contactDeadline)
    for _ in 0..<Self.numEchoes { times.append(try echo(Self.answerDeadline)) }
    times.sort()
    let forward = try rate { count throws(TransportError) in
      try flood(count)
      try reply(Call.answer)
    }
    let backward = try rate { count throws(TransportError) in
      try send(Call.floodBack, sequence: UInt32(count))
      try reply(Call.floodEnd)
    }
    try send(Call.done)
    return LinkFigures(
      roundTripMicroseconds: times[times.count / 2], forwardBytesPerSecond: forward,
      backwardBytesPerSecond: backward)
  }

  /// Answers until the other is done.
  ///
  /// - Throws: `deadlineExceeded` when nothing comes any more.
  package func serve() throws(TransportError) {
    while true {
      let frame = try link.receive(deadline: .after(Self.answerDeadline))
      let header = frame.header
      guard header.step == step, Int(header.source) == peer else { continue }
      switch header.round {
      case Call.echo, Call.floodEnd: try send(Call.answer)
      case Call.floodBack: try flood(min(Int(header.sequence), Self.mostChunks))
      case Call.done: return
      default: continue
      }
    }
  }

  private func echo(_ deadline: Duration) throws(TransportError) -> Double {
    let start = Deadline.now
    try send(Call.echo)
    try reply(Call.answer, deadline)
    return Double(Deadline.now - start) / 1000
  }

  /// Bytes per second of floods that grow until one takes long enough.
  private func rate(_ transfer: (_ chunks: Int) throws(TransportError) -> Void) throws(TransportError)
    -> Double
  {
    var count = 1
    while true {
      let start = Deadline.now
      try transfer(count)
      let nanoseconds = Double(max(1, Deadline.now - start))
      if nanoseconds >= Self.enough / .nanoseconds(1) || count >= Self.mostChunks {
        return Double(count * Self.chunkBytes) / nanoseconds * 1e9
      }
      count = min(count * 4, Self.mostChunks)
    }
  }

  private func flood(_ count: Int) throws(TransportError) {
    let chunk = [UInt8](repeating: 0x5A, count: Self.chunkBytes)
    for _ in 0..<count { try send(Call.flood, payload: chunk) }
    try send(Call.floodEnd)
  }

  private func send(_ call: UInt32, sequence: UInt32 = 0, payload: [UInt8]? = nil) throws(TransportError) {
    let bytes = payload ?? [UInt8](repeating: 0, count: 64)
    try link.send(
      FrameTarget(peer: peer, kind: .probe, step: step, sequence: sequence, round: call),
      payload: bytes.span.frameBytes, deadline: .after(Self.answerDeadline))
  }

  private func reply(_ call: UInt32, _ limit: Duration = answerDeadline) throws(TransportError) {
    let deadline = Deadline.after(limit)
    while true {
      let frame = try link.receive(deadline: deadline)
      let header = frame.header
      if header.step == step, Int(header.source) == peer, header.round == call { return }
    }
  }
}
