internal import CLinux
package import Wire

/// A link that is worse than the one inside it: slower, narrower, or losing, doubling and breaking frames.
///
/// The engine sees a link like any other. What is done to a frame is decided when it is sent (`LinkSchedule`) and done
/// to its finished bytes, so that all checks of the receiving side are in force. Delays are waited for by the receiver:
/// a frame carries the moment from which it may be taken, so nothing wakes up a sender that computes. Between hosts,
/// whose clocks differ, it carries how long it is to be held after its arrival.
///
/// Frames get a checksum over their payload in shared memory too: what is emulated is a wire.
package final class FaultyLink: PeerLink {
  private let inner: any PeerLink
  private var schedule: LinkSchedule
  private var gate: FrameGate
  /// By peer: whether it reads the same clock.
  private var isNear: [Bool]
  /// Frames that have come and may not be taken yet.
  private var held: [Held] = []
  private var staleHeld = 0
  package private(set) var counts = LinkFaultCounts()

  private final class Held {
    let due: UInt64
    var frame: InboundFrame?

    init(due: UInt64, frame: consuming InboundFrame) {
      self.due = due
      self.frame = consume frame
    }
  }

  package init(_ inner: any PeerLink, _ conditions: LinkConditions) {
    self.inner = inner
    schedule = LinkSchedule(conditions, rank: inner.rank, worldSize: inner.worldSize, now: Deadline.now)
    gate = FrameGate(
      rank: inner.rank, worldSize: inner.worldSize, epoch: inner.epoch,
      maxPayloadBytes: FrameHeader.maxPayloadBytes - FrameHeader.byteCount, checksum: FrameChecksum.fastest)
    isNear = Array(repeating: true, count: inner.worldSize)
    // Timers of the kernel are 50 us late by default, as much as some delays are long.
    _ = linuxSetTimerSlack(1)
  }

  /// Takes other conditions from now on.
  package func update(_ conditions: LinkConditions) { schedule.update(conditions, now: Deadline.now) }

  package var rank: Int { inner.rank }
  package var worldSize: Int { inner.worldSize }
  package var endpoint: Endpoint { inner.endpoint }

  package var traffic: LinkTraffic {
    var traffic = inner.traffic
    traffic.sent = gate.traffic.sent
    traffic.staleFramesDropped += staleHeld
    return traffic
  }

  package var epoch: Epoch {
    get { inner.epoch }
    set {
      inner.epoch = newValue
      gate.epoch = newValue
      staleHeld += held.count
      held.removeAll()
    }
  }

  package var interruptSource: (any InterruptSource)? {
    get { inner.interruptSource }
    set { inner.interruptSource = newValue }
  }

  package var spinTime: Duration {
    get { inner.spinTime }
    set { inner.spinTime = newValue }
  }

  package func connect(to peer: Int, at endpoint: Endpoint) throws(TransportError) {
    if case .tcp(let host, _, _) = endpoint { isNear[peer] = host.hasPrefix("127.") }
    try inner.connect(to: peer, at: endpoint)
  }

  package func send(frame: Span<UInt8>, to peer: Int, deadline: Deadline) throws(TransportError) {
    try inner.send(frame: frame, to: peer, deadline: deadline)
  }

  package func send(
    _ target: FrameTarget, pieces: Span<MemoryPiece>, of memory: RawSpan, deadline: Deadline
  ) throws(TransportError) {
    let now = Deadline.now
    let frameBytes = FrameHeader.byteCount + (try gate.payloadBytes(target, pieces))
    let fate = schedule.fate(of: target, frameBytes: frameBytes, now: now)
    gate.countSent(to: target.peer, frameBytes: frameBytes)
    note(fate, now)
    var outbound = ZMQMessage()
    if fate.bringsStaleFrame, gate.epoch.rawValue > 0 {
      gate.epoch = Epoch(rawValue: gate.epoch.rawValue - 1)
      try gate.build(&outbound, target, pieces, of: memory)
      gate.epoch = inner.epoch
      try inner.send(frame: outbound.bytes, to: target.peer, deadline: deadline)
    }
    guard !fate.isDropped else { return }
    if fate.hold > 0 {
      let near = isNear[target.peer]
      try gate.build(
        &outbound, target, pieces, of: memory,
        hold: near ? .until(now + fate.hold) : .atArrival(fate.hold))
    } else {
      try gate.build(&outbound, target, pieces, of: memory)
    }
    if let bit = fate.flippedPayloadBit { falsify(&outbound, bit) }
    if let bit = fate.flippedBit {
      var bytes = outbound.mutableBytes
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    for _ in 0..<fate.copies {
      let bytes = outbound.bytes
      let kept = min(bytes.count, fate.keptBytes ?? bytes.count)
      try inner.send(frame: bytes.extracting(0..<kept), to: target.peer, deadline: deadline)
    }
  }

  /// Flips a bit of the payload, if there is one, and makes the checksum anew: nothing of the link can see it.
  private func falsify(_ message: inout ZMQMessage, _ bit: Int) {
    let header = try? FrameHeader(
      decoding: message.bytes, maxPayloadBytes: gate.maxPayloadBytes, checksum: gate.checksum)
    guard let header, header.payloadBytes > 0 else { return }
    let bit = FrameHeader.byteCount * 8 + bit % (header.payloadBytes * 8)
    var bytes = message.mutableBytes
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    header.encode(into: &bytes, checksum: gate.checksum)
  }

  private func note(_ fate: FrameFate, _ now: UInt64) {
    guard !fate.isPlain else { return }
    let before = counts.faults
    if fate.isDropped { counts.dropped += 1 }
    if fate.copies > 1 { counts.duplicated += 1 }
    if fate.isOvertaken { counts.reordered += 1 }
    if fate.flippedBit != nil { counts.corrupted += 1 }
    if fate.flippedPayloadBit != nil { counts.falsified += 1 }
    if fate.keptBytes != nil { counts.truncated += 1 }
    if fate.bringsStaleFrame { counts.replayed += 1 }
    if counts.faults > before, counts.firstAt == 0 { counts.firstAt = now }
  }

  package func receive(deadline: Deadline) throws(TransportError) -> InboundFrame {
    while true {
      let now = Deadline.now
      if let index = held.indices.min(by: { held[$0].due < held[$1].due }), held[index].due <= now,
        let frame = held.remove(at: index).frame.take()
      {
        return frame
      }
      let due = held.reduce(UInt64.max) { min($0, $1.due) }
      do throws(TransportError) {
        let frame = try inner.receive(deadline: min(deadline, Deadline(nanoseconds: due)))
        let due = Self.due(frame.header)
        if due <= Deadline.now, held.isEmpty { return frame }
        counts.delayed += 1
        held.append(Held(due: due, frame: frame))
      } catch {
        // The next held frame is due; only the caller's own deadline is an error.
        guard error.code == .deadlineExceeded, due < deadline.nanoseconds else { throw error }
      }
    }
  }

  /// When a frame may be taken; at most as long from now as a schedule may hold it.
  private static func due(_ header: FrameHeader) -> UInt64 {
    let now = Deadline.now
    let limit = now + 600_000_000_000
    switch header.hold {
    case .none: return 0
    case .until(let moment): return min(moment, limit)
    case .atArrival(let wait): return min(now &+ min(wait, 600_000_000_000), limit)
    }
  }
}
