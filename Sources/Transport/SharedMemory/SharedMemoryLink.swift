internal import Glibc
package import Wire

/// The data plane in memory that the processes of one host share: a ring for each ordered pair.
///
/// A frame costs one copy into the ring and one out of it, no system call while both sides run. A receiver spins for
/// `spinTime`, then sleeps on its doorbell; a sender rings it only when somebody sleeps. Epochs, headers, deadlines and
/// interrupts are those of every link (`FrameGate`). There is no descriptor to watch while asleep, so naps are cut
/// to `napNanoseconds`, after which interrupts and deadlines are looked at.
///
/// Payloads stay in one host's memory and are not covered by the checksum unless `checksPayload` asks for it; headers
/// always are.
package final class SharedMemoryLink: PeerLink {
  private var gate: FrameGate
  private let inbox: SharedInbox
  /// By sender: its ring here and the frame that comes next.
  private var rings: [SharedRing] = []
  private var nextFrames: [UInt64]
  /// By peer: the ring there; nil while it could not be opened.
  private var writers: [RingWriter?]
  private var addresses: [Endpoint?]
  /// Frames taken out of their rings while a send had to wait, so that two ranks never wait for each other's space.
  private var drained: [Drained] = []
  private var nextSender = 0
  private let token: UInt64
  private let checksPayload: Bool
  package var interruptSource: (any InterruptSource)?
  /// How long a wait watches memory before it sleeps; zero when ranks outnumber cores.
  package var spinTime: Duration

  /// Where peers reach this link.
  package let endpoint: Endpoint

  /// Longest sleep before interrupts are looked at.
  private static let napNanoseconds: Int64 = 1_000_000
  /// Frames kept at most while a send waits.
  private static let maxDrained = 1024

  /// A frame's copy, and who sent it.
  private final class Drained {
    var message: ZMQMessage?
    init(_ message: consuming ZMQMessage) { self.message = consume message }
  }

  /// Makes the memory in which this rank receives; no peer is connected yet.
  package init(
    rank: Int, worldSize: Int, epoch: Epoch = Epoch(rawValue: 0), maxFrameBytes: Int = 256 << 20,
    spinTime: Duration = .zero, checksPayload: Bool = false,
    checksum: @escaping ChecksumFunction = FrameChecksum.fastest
  ) throws(TransportError) {
    gate = FrameGate(
      rank: rank, worldSize: worldSize, epoch: epoch, maxPayloadBytes: maxFrameBytes - FrameHeader.byteCount,
      checksum: checksum)
    inbox = try SharedInbox(
      rank: rank, layout: InboxLayout(worldSize: worldSize, maxFrameBytes: maxFrameBytes))
    endpoint = .sharedMemory(processID: getpid(), descriptor: inbox.descriptor)
    for sender in 0..<worldSize { rings.append(inbox.ring(of: sender)) }
    nextFrames = Array(repeating: 0, count: worldSize)
    writers = Array(repeating: nil, count: worldSize)
    addresses = Array(repeating: nil, count: worldSize)
    // Not the process alone: the links of two ranks may be in one process, and numbers of processes come back.
    token = UInt64(UInt32(bitPattern: getpid())) << 32 | Deadline.now & 0xFFFF_FFFF
    self.spinTime = spinTime
    self.checksPayload = checksPayload
  }

  package var rank: Int { gate.rank }
  package var worldSize: Int { gate.worldSize }
  package var traffic: LinkTraffic { gate.traffic }
  package var epoch: Epoch {
    get { gate.epoch }
    set { gate.epoch = newValue }
  }

  package func connect(to peer: Int, at endpoint: Endpoint) throws(TransportError) {
    precondition(
      peer >= 0 && peer < worldSize && peer != rank, "peer \(peer) of rank \(rank) of \(worldSize)")
    if addresses[peer] == endpoint { return }
    addresses[peer] = endpoint
    writers[peer] = nil
    try open(peer)
  }

  private func open(_ peer: Int) throws(TransportError) {
    guard let address = addresses[peer] else { return }
    if let (ring, doorbell) = try SharedInbox.open(address, of: peer, sender: rank, layout: inbox.layout) {
      writers[peer] = RingWriter(endpoint: address, ring: ring, doorbell: doorbell, token: token)
    }
  }

  package func send(
    _ target: FrameTarget, pieces: Span<MemoryPiece>, of memory: RawSpan, deadline: Deadline
  ) throws(TransportError) {
    guard target.peer >= 0, target.peer < worldSize, addresses[target.peer] != nil else {
      throw TransportError(
        .unreachablePeer, "rank \(rank) has no connection to rank \(target.peer)", peer: target.peer)
    }
    let payloadBytes = try gate.payloadBytes(target, pieces)
    let frameBytes = FrameHeader.byteCount + payloadBytes
    let (writer, place) = try reserve(frameBytes, target.peer, deadline)
    let flags = checksPayload ? 0 : FrameHeader.uncheckedPayload
    writer.send(place) { gate.fill(&$0, target, pieces, of: memory, flags: flags) }
    gate.countSent(to: target.peer, frameBytes: frameBytes)
  }

  package func send(frame: Span<UInt8>, to peer: Int, deadline: Deadline) throws(TransportError) {
    guard peer >= 0, peer < worldSize, addresses[peer] != nil else {
      throw TransportError(.unreachablePeer, "rank \(rank) has no connection to rank \(peer)", peer: peer)
    }
    let (writer, place) = try reserve(frame.count, peer, deadline)
    writer.send(place) { bytes in
      for index in frame.indices { bytes[index] = frame[index] }
    }
  }

  /// Room in the ring to `peer`; takes in what comes here while it waits.
  private func reserve(
    _ byteCount: Int, _ peer: Int, _ deadline: Deadline
  ) throws(TransportError) -> (RingWriter, Range<Int>) {
    while true {
      if writers[peer] == nil { try open(peer) }
      if let writer = writers[peer] {
        guard !writer.isDisowned else {
          throw TransportError(
            .unreachablePeer, "rank \(rank) was replaced by another process", peer: peer)
        }
        if let place = writer.reserve(byteCount) { return (writer, place) }
      }
      try checkInterrupt(peer)
      guard !deadline.hasPassed else {
        let why = writers[peer] == nil ? "rank \(peer) is gone" : "the ring to rank \(peer) stayed full"
        throw TransportError(
          .deadlineExceeded, "\(why) until the deadline of rank \(rank)", peer: peer)
      }
      try drain()
      let nap = min(Self.napNanoseconds, deadline.remainingNanoseconds)
      if let writer = writers[peer] { writer.waitForSpace(byteCount, atMost: nap) } else { usleep(1000) }
    }
  }

  /// Copies what lies in the rings here, so that senders get their space back.
  private func drain() throws(TransportError) {
    while drained.count < Self.maxDrained, let frame = try nextShared() {
      let bytes = unsafe frame.ring.bytes(frame.place).assumingMemoryBound(to: UInt8.self)
      drained.append(Drained(try ZMQMessage(copying: unsafe Span(_unsafeElements: bytes))))
    }
  }

  package func receive(deadline: Deadline) throws(TransportError) -> InboundFrame {
    while true {
      while !drained.isEmpty {
        guard let message = drained.removeFirst().message.take() else { continue }
        if let header = try gate.admit(message) { return InboundFrame(header: header, message: message) }
      }
      while let frame = try nextShared() {
        if let frame = try admit(frame) { return frame }
      }
      try wait(deadline)
    }
  }

  private func admit(_ frame: consuming SharedFrame) throws(TransportError) -> InboundFrame? {
    let bytes = unsafe frame.ring.bytes(frame.place).assumingMemoryBound(to: UInt8.self)
    let header: FrameHeader?
    do throws(FrameError) {
      header = try gate.admit(unsafe Span(_unsafeElements: bytes))
    } catch {
      throw gate.malformed(error)
    }
    guard let header else { return nil }
    return InboundFrame(header: header, shared: frame)
  }

  /// The next frame of any ring, senders in turn.
  private func nextShared() throws(TransportError) -> SharedFrame? {
    for offset in 0..<worldSize {
      let sender = (nextSender + offset) % worldSize
      let index = nextFrames[sender]
      guard rings[sender].holds(index) else { continue }
      nextFrames[sender] = index + 1
      nextSender = (sender + 1) % worldSize
      guard let place = rings[sender].place(of: index) else {
        rings[sender].release(index)
        throw gate.malformed(
          FrameError(.placeOutsideRing, claimedSource: UInt32(sender)))
      }
      return SharedFrame(ring: rings[sender], index: index, place: place)
    }
    return nil
  }

  private var hasFrame: Bool {
    for sender in 0..<worldSize where rings[sender].holds(nextFrames[sender]) { return true }
    return false
  }

  /// Returns when there may be a frame.
  private func wait(_ deadline: Deadline) throws(TransportError) {
    if spinTime > .zero, spin(until: min(deadline, .after(spinTime))) { return }
    while true {
      try checkInterrupt(nil)
      let nap = min(Self.napNanoseconds, deadline.remainingNanoseconds)
      inbox.doorbell.sleep(atMost: nap) { hasFrame }
      if hasFrame { return }
      guard !deadline.hasPassed else {
        throw TransportError(.deadlineExceeded, "no frame came before the deadline of rank \(rank)")
      }
    }
  }

  /// Watches the rings; true when a frame came. Ranks in step wait for less than the first looks take; after them the
  /// core is offered to others, such as a coordinator without a core of its own.
  private func spin(until end: Deadline) -> Bool {
    var looks = 0
    while true {
      for _ in 0..<64 {
        if hasFrame { return true }
        SharedRing.pause()
      }
      if end.hasPassed { return false }
      looks += 1
      if looks > 8 { WakefulWait.rest() }
    }
  }

  private func checkInterrupt(_ peer: Int?) throws(TransportError) {
    if let interruptSource, try interruptSource.checkInterrupt() {
      throw TransportError(.interrupted, "rank \(rank) stopped waiting: the step was aborted", peer: peer)
    }
  }
}
