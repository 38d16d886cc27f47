package import Wire

/// The coordinator's end of the control plane: a ROUTER socket that all workers connect to.
///
/// Belongs to one thread. Sending never waits: a worker that does not read is a fault, not a reason to stop.
package final class ControlServer {
  /// What came in.
  package enum Event: Sendable {
    case message(ControlMessage, from: WorkerName)
    /// A message that could not be read; the sender's name when it is one of ours.
    case malformed(TransportError, from: WorkerName?)
  }

  /// What ended a wait.
  package struct Readiness: Sendable, Hashable {
    /// Messages are there to be taken.
    package var hasMessages = false
    /// The descriptors given that are readable, in the order given.
    package var descriptors: [Int32] = []

    package init() {}
  }

  private let socket: ZMQSocket
  private let checksum: ChecksumFunction
  private var poller = Poller(capacity: 8)

  /// Where workers connect to.
  package let endpoint: Endpoint

  package init(
    _ context: ZMQContext, endpoint: Endpoint, options: SocketOptions = ControlServer.defaultOptions,
    checksum: @escaping ChecksumFunction = FrameChecksum.fastest
  ) throws(TransportError) {
    let socket = try ZMQSocket(context, .router, options)
    self.endpoint = try socket.bind(endpoint)
    self.socket = socket
    self.checksum = checksum
  }

  /// Bodies up to the control plane's limit; a quarter of a second to get last words out when closing.
  package static var defaultOptions: SocketOptions {
    var options = SocketOptions()
    options.maxMessageBytes = ControlMessage.maxPayloadBytes + FrameHeader.byteCount
    options.lingerMilliseconds = 250
    return options
  }

  /// Sends one message to a worker.
  ///
  /// - Throws: `unreachablePeer` when that worker is not connected, or does not take its messages.
  package func send(_ message: ControlMessage, to worker: WorkerName) throws(TransportError) {
    let name = try ZMQMessage(copying: Array(worker.description.utf8).span)
    let frame = try message.frame(
      source: FrameHeader.coordinator, destination: worker.rank, checksum: checksum)
    do throws(TransportError) {
      // NOTE: a ROUTER decides on the first part: after it is taken the second one never waits.
      if try socket.trySend(name, more: true), try socket.trySend(frame) { return }
    } catch {
      var error = error
      error.peer = Int(worker.rank)
      if error.code == .unreachablePeer {
        error.message = "worker \(worker) is not connected to the coordinator"
      }
      throw error
    }
    throw TransportError(
      .unreachablePeer, "worker \(worker) does not take its messages: its queue is full",
      peer: Int(worker.rank))
  }

  /// The next message, or nil when there is none right now.
  package func receive() throws(TransportError) -> Event? {
    let name = ZMQMessage()
    guard try socket.tryReceive(into: name) else { return nil }
    let worker = WorkerName(name.bytes)
    var parts = 0
    var event = Event.malformed(
      TransportError(.malformedFrame, "a message from \(ControlServer.label(worker)) has no body"),
      from: worker)
    var more = name.hasMore
    while more {
      let part = ZMQMessage()
      guard try socket.tryReceive(into: part) else { break }
      more = part.hasMore
      parts += 1
      event = parts == 1 ? read(part, worker) : tooManyParts(worker)
    }
    return event
  }

  private func read(_ part: borrowing ZMQMessage, _ worker: WorkerName?) -> Event {
    guard let worker else {
      let address = part.peerAddress.map { " from \($0)" } ?? ""
      return .malformed(
        TransportError(.malformedFrame, "a connection\(address) has no worker's name"), from: nil)
    }
    if let guest = part.guestName, guest != ZMQContext.anyRank, guest != "\(worker.rank)" {
      // Nothing that it says about this name may count.
      return .malformed(
        TransportError(.malformedFrame, "a connection with the key of rank \(guest) calls itself \(worker)"),
        from: nil)
    }
    do throws(FrameError) {
      let (message, source) = try ControlMessage.read(part, checksum: checksum)
      guard source == worker.rank else {
        throw FrameError(.impossibleSource(source), claimedSource: worker.rank)
      }
      return .message(message, from: worker)
    } catch {
      return .malformed(
        TransportError(.malformedFrame, "worker \(worker): \(error)", peer: Int(worker.rank), frame: error),
        from: worker)
    }
  }

  private func tooManyParts(_ worker: WorkerName?) -> Event {
    .malformed(
      TransportError(.malformedFrame, "a message from \(ControlServer.label(worker)) has more than one part"),
      from: worker)
  }

  private static func label(_ worker: WorkerName?) -> String {
    worker.map { "worker \($0)" } ?? "a connection without a worker's name"
  }

  /// Waits for messages, for any of `descriptors` to become readable (at most 7), or for the deadline.
  package func wait(descriptors: [Int32] = [], until deadline: Deadline) throws(TransportError) -> Readiness {
    precondition(descriptors.count < poller.capacity, "at most \(poller.capacity - 1) descriptors")
    poller.removeAll()
    poller.add(socket.pollTarget)
    for descriptor in descriptors { poller.add(PollTarget(descriptor: descriptor)) }
    var result = Readiness()
    guard try poller.wait(until: deadline) > 0 else { return result }
    result.hasMessages = poller.isReady(0)
    for (place, descriptor) in descriptors.enumerated() where poller.isReady(place + 1) {
      result.descriptors.append(descriptor)
    }
    return result
  }
}
