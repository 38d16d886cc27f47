package import Transport
package import Wire

/// One rank's part in all collectives: posts frames, waits for frames, keeps early ones.
///
/// There is one for each link, whatever the number of groups: groups appear only in the plans, whose peers are world
/// ranks. Every rank of an operation must call it at the same `ExchangePlace`, and places must rise on each rank. In
/// the steady state an exchange allocates nothing of its own; ZeroMQ allocates its messages.
package struct Communicator: ~Copyable {
  package let link: any Link
  /// Frames of places already left, and second frames of one place.
  package private(set) var duplicateFramesDropped = 0
  /// Early frames kept at most, over all peers.
  package let maxEarlyFrames: Int

  /// Whether the time of each exchange's last frame is noted.
  package var notesArrivals = false
  /// The sender of the frame that the last exchange waited for last, -1 when all were there already, and when it came.
  package private(set) var lastArrival: (peer: Int, at: UInt64) = (-1, 0)

  private var early: [EarlyFrame] = []
  private var unused: [EarlyFrame] = []
  /// By rank: the frame that is awaited from it, as an index into the plan's receives, or -1.
  private var awaited: [Int]
  private var receivedBytes: [Int]

  /// A frame that came before its turn.
  private final class EarlyFrame {
    var frame: InboundFrame?
  }

  package init(link: any Link, maxEarlyFrames: Int = 1024) {
    self.link = link
    self.maxEarlyFrames = maxEarlyFrames
    awaited = Array(repeating: -1, count: link.worldSize)
    receivedBytes = Array(repeating: 0, count: link.worldSize)
    // Room for two frames of each peer that come before their turn: then no step of usual skew allocates.
    for _ in 0..<(2 * link.worldSize) { unused.append(EarlyFrame()) }
    early.reserveCapacity(2 * link.worldSize)
  }

  package var rank: Int { link.rank }
  package var worldSize: Int { link.worldSize }

  /// Moves to another epoch: early frames of the old one are dropped.
  package mutating func begin(epoch: Epoch) {
    link.epoch = epoch
    for slot in early {
      slot.frame = nil
      unused.append(slot)
    }
    early.removeAll(keepingCapacity: true)
  }

  /// Payload bytes of the frame that the last exchange received from `peer`.
  package func bytesReceived(from peer: Int) -> Int { receivedBytes[peer] }

  /// Sends the plan's frames out of `memory`, then receives its frames into `memory`.
  ///
  /// Receiving may overwrite what was sent: all of it has been copied by then. A transfer to the own rank is a copy
  /// within `memory`, done when receiving starts, and is no traffic.
  ///
  /// - Throws: `CollectiveError`; no wait goes beyond `deadline`.
  package mutating func exchange(
    _ plan: ExchangePlan, at place: ExchangePlace, memory: inout MutableRawSpan, deadline: Deadline,
    operation: CollectiveOperation = .exchange
  ) throws(CollectiveError) {
    try post(plan, at: place, memory: memory.bytes, deadline: deadline, operation: operation)
    try complete(plan, at: place, memory: &memory, deadline: deadline, operation: operation)
  }

  /// The sending half of `exchange`, for work to be done before `complete`.
  package mutating func post(
    _ plan: ExchangePlan, at place: ExchangePlace, memory: RawSpan, deadline: Deadline,
    operation: CollectiveOperation = .exchange
  ) throws(CollectiveError) {
    precondition(
      plan.memoryBytes <= memory.byteCount,
      "a plan over \(plan.memoryBytes) bytes for \(memory.byteCount) of memory")
    let start = Deadline.now
    for index in awaited.indices { awaited[index] = -1 }
    for index in plan.sends.indices where plan.sends[index].peer != rank {
      let frame = plan.sends[index]
      let target = FrameTarget(
        peer: frame.peer, step: place.step, sequence: place.sequence, round: place.round)
      do throws(TransportError) {
        let pieces = plan.sendPieces.span.extracting(frame.pieces)
        try link.send(target, pieces: pieces, of: memory, deadline: deadline)
      } catch {
        throw failure(error, operation, place, since: start)
      }
    }
  }

  /// The receiving half of `exchange`.
  package mutating func complete(
    _ plan: ExchangePlan, at place: ExchangePlace, memory: inout MutableRawSpan, deadline: Deadline,
    operation: CollectiveOperation = .exchange
  ) throws(CollectiveError) {
    precondition(
      plan.memoryBytes <= memory.byteCount,
      "a plan over \(plan.memoryBytes) bytes for \(memory.byteCount) of memory")
    let start = Deadline.now
    for index in awaited.indices { awaited[index] = -1 }
    for index in plan.receives.indices { awaited[plan.receives[index].peer] = index }
    var pending = plan.receives.count
    if awaited[rank] >= 0 {
      copyOwn(plan, &memory)
      pending -= 1
    }
    pending -= try takeEarly(plan, place, &memory, operation, start)
    lastArrival = (-1, start)
    while pending > 0 {
      let frame = try nextFrame(operation, place, since: start, deadline)
      if notesArrivals { lastArrival = (Int(frame.header.source), Deadline.now) }
      let found = ExchangePlace(
        step: frame.header.step, sequence: frame.header.sequence, round: frame.header.round)
      if found == place, frame.header.kind == .exchange {
        if try take(frame, plan, place, &memory, operation, start) { pending -= 1 }
      } else if found < place || frame.header.kind != .exchange {
        duplicateFramesDropped += 1
      } else {
        try keep(frame, operation, place, start)
      }
    }
  }

  /// The plan's transfers from this rank to itself: a copy in memory, no frame.
  private mutating func copyOwn(_ plan: ExchangePlan, _ memory: inout MutableRawSpan) {
    let target = plan.receives[awaited[rank]]
    guard let source = plan.sends.first(where: { $0.peer == rank }), source.byteCount == target.byteCount,
      source.pieces.count == 1, target.pieces.count == 1
    else { preconditionFailure("rank \(rank) needs one transfer to itself and one of that size from itself") }
    memory.moveBytes(
      from: plan.sendPieces[source.pieces.lowerBound].offset,
      to: plan.receivePieces[target.pieces.lowerBound].offset, byteCount: source.byteCount)
    receivedBytes[rank] = source.byteCount
    awaited[rank] = -2
  }

  private func nextFrame(
    _ operation: CollectiveOperation, _ place: ExchangePlace, since start: UInt64, _ deadline: Deadline
  ) throws(CollectiveError) -> InboundFrame {
    do throws(TransportError) {
      return try link.receive(deadline: deadline)
    } catch {
      throw failure(error, operation, place, since: start)
    }
  }

  /// Uses the early frames of this place; returns how many there were. Older ones are dropped.
  private mutating func takeEarly(
    _ plan: ExchangePlan, _ place: ExchangePlace, _ memory: inout MutableRawSpan,
    _ operation: CollectiveOperation,
    _ start: UInt64
  ) throws(CollectiveError) -> Int {
    var taken = 0
    var index = 0
    while index < early.count {
      let slot = early[index]
      guard let frame = slot.frame.take() else { preconditionFailure("an early frame's slot is empty") }
      let found = ExchangePlace(
        step: frame.header.step, sequence: frame.header.sequence, round: frame.header.round)
      if found > place {
        slot.frame = consume frame
        index += 1
        continue
      }
      early.remove(at: index)
      unused.append(slot)
      if found < place {
        duplicateFramesDropped += 1
      } else if try take(frame, plan, place, &memory, operation, start) {
        taken += 1
      }
    }
    return taken
  }

  /// Copies a frame of this place to where the plan wants it; false for a second frame of one peer.
  private mutating func take(
    _ frame: borrowing InboundFrame, _ plan: ExchangePlan, _ place: ExchangePlace,
    _ memory: inout MutableRawSpan,
    _ operation: CollectiveOperation, _ start: UInt64
  ) throws(CollectiveError) -> Bool {
    let peer = Int(frame.header.source)
    let index = awaited[peer]
    guard index >= 0 else {
      if index == -2 {
        duplicateFramesDropped += 1
        return false
      }
      throw error(
        .unexpectedFrame, operation, place, since: start, peer: peer,
        "rank \(peer) sent \(frame.header.payloadBytes) bytes but has no part in it: the ranks' plans differ")
    }
    let expected = plan.receives[index]
    let size = frame.header.payloadBytes
    let fits = plan.receiveSizes == .exact ? size == expected.byteCount : size <= expected.byteCount
    guard fits else {
      throw error(
        .sizeMismatch, operation, place, since: start, peer: peer,
        "rank \(peer) sent \(size) bytes where the plan has \(expected.byteCount): the ranks' plans differ")
    }
    var offset = 0
    for piece in expected.pieces {
      let target = plan.receivePieces[piece]
      let byteCount = min(target.byteCount, size - offset)
      frame.copyPayload(from: offset, byteCount: byteCount, to: target.offset, of: &memory)
      offset += byteCount
    }
    receivedBytes[peer] = size
    awaited[peer] = -2
    return true
  }

  private mutating func keep(
    _ frame: consuming InboundFrame, _ operation: CollectiveOperation, _ place: ExchangePlace, _ start: UInt64
  ) throws(CollectiveError) {
    let peer = Int(frame.header.source)
    guard early.count < maxEarlyFrames else {
      throw error(
        .tooManyEarlyFrames, operation, place, since: start, peer: peer,
        "rank \(peer) is at operation \(frame.header.sequence) of \(frame.header.step) while \(early.count) early "
          + "frames wait already: the ranks' plans differ")
    }
    let slot = unused.popLast() ?? EarlyFrame()
    slot.frame = consume frame
    early.append(slot)
  }

  private func failure(
    _ cause: TransportError, _ operation: CollectiveOperation, _ place: ExchangePlace, since start: UInt64
  ) -> CollectiveError {
    let code: CollectiveError.Code =
      switch cause.code {
      case .deadlineExceeded: .deadlineExceeded
      case .interrupted: .interrupted
      case .malformedFrame: .malformedFrame
      default: .transport
      }
    var result = error(code, operation, place, since: start, peer: cause.peer, cause.message)
    result.underlying = cause
    return result
  }

  private func error(
    _ code: CollectiveError.Code, _ operation: CollectiveOperation, _ place: ExchangePlace,
    since start: UInt64,
    peer: Int?, _ detail: String
  ) -> CollectiveError {
    let missing = awaited.indices.filter { awaited[$0] >= 0 }
    var detail = detail
    if code == .deadlineExceeded, !missing.isEmpty {
      detail =
        "nothing came from rank\(missing.count > 1 ? "s" : "") "
        + missing.map { "\($0)" }.joined(separator: ", ") + " before the deadline"
    }
    return CollectiveError(
      code: code, operation: operation, rank: rank, peer: peer ?? missing.first, epoch: link.epoch,
      place: place,
      waited: .nanoseconds(Int64(clamping: Deadline.now - start)), missing: missing, detail: detail)
  }
}
