package import Wire

/// The data plane over ZeroMQ: one bound PULL socket, and one PUSH socket to each peer.
///
/// The sender is known from the frame's header. A PUSH socket has exactly one peer, so a slow rank blocks only
/// what is meant for it. Frames to a peer that is not up yet wait in its queue. One frame costs one copy into a
/// message on each side; handing workspace memory to the I/O thread instead would make every buffer wait for it.
package final class ZMQLink: PeerLink {
  private var gate: FrameGate
  private let context: ZMQContext
  private let options: SocketOptions
  private let receiver: ZMQSocket
  private var senders: [SenderSocket?]
  /// The frame being sent; its cell is used again and again.
  private var outbound = ZMQMessage()
  package var interruptSource: (any InterruptSource)?
  /// How long a wait looks for frames before it sleeps, while the I/O threads may have the core (`WakefulWait`).
  package var spinTime = Duration.zero

  /// Where peers reach this link.
  package let endpoint: Endpoint

  /// A PUSH socket and where it leads. A class, because arrays hold copyable values only.
  private final class SenderSocket {
    let socket: ZMQSocket
    let endpoint: Endpoint

    init(socket: consuming ZMQSocket, endpoint: Endpoint) {
      self.socket = socket
      self.endpoint = endpoint
    }
  }

  /// Binds the receiving socket at `endpoint`; no peer is connected yet.
  package init(
    _ context: ZMQContext, rank: Int, worldSize: Int, endpoint: Endpoint, epoch: Epoch = Epoch(rawValue: 0),
    options: SocketOptions = SocketOptions(), checksum: @escaping ChecksumFunction = FrameChecksum.fastest
  ) throws(TransportError) {
    let payloadLimit = options.maxMessageBytes - FrameHeader.byteCount
    gate = FrameGate(
      rank: rank, worldSize: worldSize, epoch: epoch, maxPayloadBytes: payloadLimit, checksum: checksum)
    self.context = context
    self.options = options
    senders = Array(repeating: nil, count: worldSize)
    let socket = try ZMQSocket(context, .pull, options)
    self.endpoint = try socket.bind(endpoint)
    receiver = socket
  }

  package var rank: Int { gate.rank }
  package var worldSize: Int { gate.worldSize }
  package var traffic: LinkTraffic { gate.traffic }
  package var epoch: Epoch {
    get { gate.epoch }
    set { gate.epoch = newValue }
  }

  /// Connects to one peer, replacing its former connection if that led elsewhere.
  package func connect(to peer: Int, at endpoint: Endpoint) throws(TransportError) {
    precondition(
      peer >= 0 && peer < worldSize && peer != rank, "peer \(peer) of rank \(rank) of \(worldSize)")
    if senders[peer]?.endpoint == endpoint { return }
    // Whoever we send to may send to us.
    if let key = endpoint.key { context.admit([key: "\(peer)"]) }
    let socket = try ZMQSocket(context, .push, options)
    try socket.connect(endpoint)
    senders[peer] = SenderSocket(socket: socket, endpoint: endpoint)
  }

  package func send(
    _ target: FrameTarget, pieces: Span<MemoryPiece>, of memory: RawSpan, deadline: Deadline
  ) throws(TransportError) {
    let sender = try sender(to: target.peer)
    try gate.build(&outbound, target, pieces, of: memory)
    let frameBytes = outbound.byteCount
    try push(sender, target.peer, deadline)
    gate.countSent(to: target.peer, frameBytes: frameBytes)
  }

  package func send(frame: Span<UInt8>, to peer: Int, deadline: Deadline) throws(TransportError) {
    let sender = try sender(to: peer)
    outbound = try ZMQMessage(copying: frame)
    try push(sender, peer, deadline)
  }

  private func sender(to peer: Int) throws(TransportError) -> SenderSocket {
    guard peer >= 0, peer < worldSize, let sender = senders[peer] else {
      throw TransportError(
        .unreachablePeer, "rank \(rank) has no connection to rank \(peer)", peer: peer)
    }
    return sender
  }

  private func push(_ sender: SenderSocket, _ peer: Int, _ deadline: Deadline) throws(TransportError) {
    while try !sender.socket.trySend(outbound) {
      try wait(for: sender.socket.pollTarget, peer: peer, deadline)
    }
  }

  package func receive(deadline: Deadline) throws(TransportError) -> InboundFrame {
    let message = ZMQMessage()
    while true {
      var came = try receiver.tryReceive(into: message)
      if !came { came = try watch(message, deadline) }
      if came {
        if let header = try gate.admit(message) { return InboundFrame(header: header, message: message) }
      } else {
        try wait(for: receiver.pollTarget, peer: nil, deadline)
      }
    }
  }

  /// Whether a frame came while the core was kept awake.
  private func watch(_ message: borrowing ZMQMessage, _ deadline: Deadline) throws(TransportError) -> Bool {
    let end = min(deadline, .after(spinTime))
    while !end.hasPassed {
      WakefulWait.rest()
      if try receiver.tryReceive(into: message) { return true }
    }
    return false
  }

  /// Returns when the socket, which had nothing to give or take just now, may be ready.
  private func wait(for target: PollTarget, peer: Int?, _ deadline: Deadline) throws(TransportError) {
    if let interruptSource, try interruptSource.checkInterrupt() {
      throw TransportError(.interrupted, "rank \(rank) stopped waiting: the step was aborted", peer: peer)
    }
    guard try target.sleep(or: interruptSource?.pollTarget, until: deadline) else {
      let what = peer.map { "the queue to rank \($0) stayed full" } ?? "no frame came"
      throw TransportError(.deadlineExceeded, "\(what) before the deadline of rank \(rank)", peer: peer)
    }
  }
}
