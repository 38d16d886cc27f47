package import Wire

/// One rank's end of the data plane: whole frames to and from every other rank, in order for each pair.
///
/// `ZMQLink` between processes anywhere, `SharedMemoryLink` between processes of one host, and `LoopbackLink` between
/// threads. A link belongs to one thread.
package protocol Link: AnyObject {
  /// This end's rank.
  var rank: Int { get }
  /// Ranks in all.
  var worldSize: Int { get }
  /// Frames of any other epoch are dropped and counted.
  var epoch: Epoch { get set }
  /// Bytes and frames so far.
  var traffic: LinkTraffic { get }
  /// Checked whenever a wait blocks.
  var interruptSource: (any InterruptSource)? { get set }

  /// Sends the `pieces` of `memory`, one after the other, as the payload of one frame. The bytes are copied, so
  /// `memory` is free again on return.
  ///
  /// - Throws: `deadlineExceeded` naming the peer when its queue stays full, `interrupted`, `unreachablePeer`.
  func send(_ target: FrameTarget, pieces: Span<MemoryPiece>, of memory: RawSpan, deadline: Deadline)
    throws(TransportError)

  /// The next frame of this epoch, from any rank.
  ///
  /// - Throws: `deadlineExceeded`, `interrupted`, `malformedFrame` (with the claimed sender as `peer`).
  func receive(deadline: Deadline) throws(TransportError) -> InboundFrame
}

/// A link between processes, which learn from an address book where their peers are.
package protocol PeerLink: Link {
  /// Where peers reach this link.
  var endpoint: Endpoint { get }

  /// Connects to one peer, replacing its former connection if that led elsewhere. A peer that is not there is no error:
  /// what is sent to it waits until the deadline of its sending or of its answer.
  func connect(to peer: Int, at endpoint: Endpoint) throws(TransportError)

  /// Sends bytes as they are, whole frame or not, without counting them: for links that do something to frames.
  func send(frame: Span<UInt8>, to peer: Int, deadline: Deadline) throws(TransportError)

  /// How long a wait may keep its core busy before it sleeps; zero when ranks outnumber cores.
  var spinTime: Duration { get set }
}

extension PeerLink {
  /// Connects to every peer of the address book, whose entry `r` is where rank r receives. Peers whose entry did not
  /// change keep their connection; a changed one is replaced, and what was queued for it is dropped.
  package func connect(_ addressBook: [Endpoint]) throws(TransportError) {
    precondition(
      addressBook.count == worldSize, "an address book of \(addressBook.count) entries for \(worldSize) ranks"
    )
    for peer in 0..<worldSize where peer != rank { try connect(to: peer, at: addressBook[peer]) }
  }
}

/// Makes links by the form of their endpoints.
package enum Links {
  /// How long a rank with a core of its own watches for a frame before it sleeps. Waking up takes tens of microseconds,
  /// and ranks that share the work of a step wait for each other far less than this.
  package static let spinTime = Duration.milliseconds(2)

  /// A link that receives at `endpoint`, not connected yet.
  package static func make(
    _ context: ZMQContext, rank: Int, worldSize: Int, endpoint: Endpoint, epoch: Epoch
  ) throws(TransportError) -> any PeerLink {
    if case .sharedMemory = endpoint {
      return try SharedMemoryLink(rank: rank, worldSize: worldSize, epoch: epoch)
    }
    return try ZMQLink(context, rank: rank, worldSize: worldSize, endpoint: endpoint, epoch: epoch)
  }
}

/// Where a frame goes and which operation it belongs to.
package struct FrameTarget: Sendable, Hashable {
  package var peer: Int
  package var kind: MessageKind
  package var step: StepNumber
  package var sequence: UInt32
  package var round: UInt32

  package init(
    peer: Int, kind: MessageKind = .exchange, step: StepNumber, sequence: UInt32, round: UInt32 = 0
  ) {
    self.peer = peer
    self.kind = kind
    self.step = step
    self.sequence = sequence
    self.round = round
  }
}

/// A range of some memory, in bytes.
package struct MemoryPiece: Sendable, Hashable, BitwiseCopyable {
  package var offset: Int
  package var byteCount: Int

  package init(offset: Int, byteCount: Int) {
    precondition(offset >= 0 && byteCount >= 0, "piece \(offset) + \(byteCount)")
    self.offset = offset
    self.byteCount = byteCount
  }
}

extension Link {
  /// Sends all of `payload` as one frame.
  package func send(_ target: FrameTarget, payload: RawSpan, deadline: Deadline) throws(TransportError) {
    let whole = MemoryPiece(offset: 0, byteCount: payload.byteCount)
    let one = [whole]
    try send(target, pieces: one.span, of: payload, deadline: deadline)
  }
}

/// What went over a link, by peer, and what was thrown away.
package struct LinkTraffic: Sendable, Hashable {
  package struct Counter: Sendable, Hashable {
    package var frames = 0
    package var payloadBytes = 0

    /// Bytes of the frames' headers.
    package var headerBytes: Int { frames * FrameHeader.byteCount }
  }

  /// By rank.
  package var sent: [Counter]
  /// By rank; frames of this epoch only.
  package var received: [Counter]
  /// Frames of an earlier epoch.
  package var staleFramesDropped = 0
  /// Frames of a later epoch.
  package var futureFramesDropped = 0
  package var malformedFrames = 0

  package init(worldSize: Int) {
    sent = Array(repeating: Counter(), count: worldSize)
    received = Array(repeating: Counter(), count: worldSize)
  }

  package var totalSent: Counter { LinkTraffic.total(sent) }
  package var totalReceived: Counter { LinkTraffic.total(received) }

  private static func total(_ counters: [Counter]) -> Counter {
    counters.reduce(into: Counter()) {
      $0.frames += $1.frames
      $0.payloadBytes += $1.payloadBytes
    }
  }
}
