internal import CZeroMQ
internal import Synchronization
package import Wire

/// Ranks as threads of one process: the queues between them, and what went wrong on purpose.
///
/// Frames are built and checked exactly as over ZeroMQ; only the sockets are missing. Order is that of the senders.
package final class LoopbackHub: Sendable {
  package let worldSize: Int
  private let inboxes: [Inbox]

  package init(worldSize: Int) throws(TransportError) {
    precondition(worldSize >= 1, "worldSize \(worldSize)")
    self.worldSize = worldSize
    var inboxes: [Inbox] = []
    for _ in 0..<worldSize { inboxes.append(try Inbox()) }
    self.inboxes = inboxes
  }

  /// Rank `rank`'s end, for the thread that calls.
  package func link(
    rank: Int, epoch: Epoch = Epoch(rawValue: 0), maxPayloadBytes: Int = FrameHeader.maxPayloadBytes,
    checksum: @escaping ChecksumFunction = FrameChecksum.fastest
  ) -> LoopbackLink {
    LoopbackLink(
      hub: self,
      gate: FrameGate(
        rank: rank, worldSize: worldSize, epoch: epoch, maxPayloadBytes: maxPayloadBytes, checksum: checksum))
  }

  /// Puts raw bytes into a rank's inbox, as a broken or hostile sender would.
  package func inject(_ bytes: [UInt8], to rank: Int) throws(TransportError) {
    inboxes[rank].push(try ZMQMessage(copying: bytes.span))
  }

  func deliver(_ message: consuming ZMQMessage, to rank: Int) { inboxes[rank].push(message) }

  func next(for rank: Int) -> ZMQMessage? { inboxes[rank].pop() }

  func event(of rank: Int) -> EventDescriptor { inboxes[rank].event }

  /// One rank's queue. The event is raised while the queue is not empty.
  private final class Inbox: Sendable {
    let event: EventDescriptor
    private let queue = Mutex(Queue())

    init() throws(TransportError) { event = try EventDescriptor() }

    deinit { while pop() != nil {} }

    func push(_ message: consuming ZMQMessage) {
      let parcel = unsafe Parcel(cell: message.release())
      queue.withLock { $0.parcels.append(parcel) }
      event.signal()
    }

    func pop() -> ZMQMessage? {
      let parcel = queue.withLock { queue -> Parcel? in
        guard queue.head < queue.parcels.count else {
          event.clear()
          return nil
        }
        queue.head += 1
        let parcel = queue.parcels[queue.head - 1]
        if queue.head == queue.parcels.count {
          queue.parcels.removeAll(keepingCapacity: true)
          queue.head = 0
          event.clear()
        }
        return parcel
      }
      guard let parcel else { return nil }
      return unsafe ZMQMessage(adopting: parcel.cell)
    }
  }

  private struct Queue {
    var parcels: [Parcel] = []
    var head = 0
  }

  // NOTE: a message in the queue has no other owner, so it may change threads.
  @safe private struct Parcel: @unchecked Sendable {
    @unsafe let cell: UnsafeMutablePointer<zmq_msg_t>
  }
}

/// The data plane between threads of one process.
package final class LoopbackLink: Link {
  private let hub: LoopbackHub
  private var gate: FrameGate
  package var interruptSource: (any InterruptSource)?

  init(hub: LoopbackHub, gate: FrameGate) {
    self.hub = hub
    self.gate = gate
  }

  package var rank: Int { gate.rank }
  package var worldSize: Int { gate.worldSize }
  package var traffic: LinkTraffic { gate.traffic }
  package var epoch: Epoch {
    get { gate.epoch }
    set { gate.epoch = newValue }
  }

  package func send(
    _ target: FrameTarget, pieces: Span<MemoryPiece>, of memory: RawSpan, deadline: Deadline
  ) throws(TransportError) {
    guard target.peer >= 0, target.peer < worldSize, target.peer != rank else {
      throw TransportError(
        .unreachablePeer, "rank \(rank) has no connection to rank \(target.peer)", peer: target.peer)
    }
    var message = ZMQMessage()
    try gate.build(&message, target, pieces, of: memory)
    gate.countSent(to: target.peer, frameBytes: message.byteCount)
    hub.deliver(message, to: target.peer)
  }

  package func receive(deadline: Deadline) throws(TransportError) -> InboundFrame {
    while true {
      if let message = hub.next(for: rank) {
        if let header = try gate.admit(message) { return InboundFrame(header: header, message: message) }
        continue
      }
      if let interruptSource, try interruptSource.checkInterrupt() {
        throw TransportError(.interrupted, "rank \(rank) stopped waiting: the step was aborted")
      }
      guard
        try hub.event(of: rank).pollTarget.sleep(or: interruptSource?.pollTarget, until: deadline)
      else {
        throw TransportError(.deadlineExceeded, "no frame came before the deadline of rank \(rank)")
      }
    }
  }
}
