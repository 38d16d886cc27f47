package import Wire

/// A worker's end of the control plane: a DEALER socket connected to the coordinator.
///
/// Belongs to one thread. As the interrupt source of a link it reads ahead while a collective waits: ordinary
/// messages are kept in order for `receive`, one of `interruptingKinds` ends the wait.
package final class ControlClient: InterruptSource {
  private let socket: ZMQSocket
  private let checksum: ChecksumFunction
  private var poller = Poller(capacity: 4)
  private var inbox: [ControlMessage] = []
  // One message each way, used again and again: nothing of ours is allocated for a message.
  private let inbound = ZMQMessage()
  private var outbound = ZMQMessage()

  package let name: WorkerName
  /// How long `receive` keeps its core awake before it sleeps: the next plan comes soon after a result. Zero when
  /// ranks outnumber cores.
  package var spinTime = Duration.zero
  /// Kinds that stop a wait on the data plane.
  package var interruptingKinds: Set<MessageKind> = [.abort, .epochChange, .shutdown]
  /// Messages read ahead at most; more stay in the socket's queue.
  package let maxReadAhead = 64

  package init(
    _ context: ZMQContext, endpoint: Endpoint, name: WorkerName,
    options: SocketOptions = ControlServer.defaultOptions,
    checksum: @escaping ChecksumFunction = FrameChecksum.fastest
  ) throws(TransportError) {
    var options = options
    options.routingID = Array(name.description.utf8)
    socket = try ZMQSocket(context, .dealer, options)
    try socket.connect(endpoint)
    self.name = name
    self.checksum = checksum
  }

  /// Sends one message to the coordinator.
  ///
  /// - Throws: `deadlineExceeded` when the queue stays full.
  package func send(_ message: ControlMessage, deadline: Deadline) throws(TransportError) {
    try message.write(
      to: &outbound, source: name.rank, destination: FrameHeader.coordinator, checksum: checksum)
    while try !socket.trySend(outbound) {
      poller.removeAll()
      poller.add(socket.pollTarget, forWriting: true)
      guard try poller.wait(until: deadline) > 0 else {
        throw TransportError(
          .deadlineExceeded, "the coordinator took no messages from worker \(name) in time")
      }
    }
  }

  /// The next message, waiting for it until `deadline`; nil when none came or a descriptor became readable first.
  ///
  /// - Throws: `malformedFrame` for a message that cannot be read.
  package func receive(deadline: Deadline, descriptors: [Int32] = []) throws(TransportError)
    -> ControlMessage?
  {
    var message = ControlMessage(kind: .pulse, epoch: Epoch(rawValue: 0))
    return try receive(into: &message, deadline: deadline, descriptors: descriptors) ? message : nil
  }

  /// As `receive`, into a message whose memory is used again; false when none came.
  package func receive(
    into message: inout ControlMessage, deadline: Deadline, descriptors: [Int32] = []
  ) throws(TransportError) -> Bool {
    precondition(descriptors.count < poller.capacity, "at most \(poller.capacity - 1) descriptors")
    if inbox.isEmpty, spinTime > .zero, try watch(into: &message, deadline) { return true }
    while true {
      if !inbox.isEmpty {
        message = inbox.removeFirst()
        return true
      }
      if try next(into: &message) { return true }
      poller.removeAll()
      poller.add(socket.pollTarget)
      for descriptor in descriptors { poller.add(PollTarget(descriptor: descriptor)) }
      guard try poller.wait(until: deadline) > 0, poller.isReady(0) else { return false }
    }
  }

  private func watch(into message: inout ControlMessage, _ deadline: Deadline) throws(TransportError) -> Bool
  {
    let end = min(deadline, .after(spinTime))
    while !end.hasPassed {
      if try next(into: &message) { return true }
      WakefulWait.rest()
    }
    return false
  }

  /// Whether a message is there that stops a step; it stays there for `receive`.
  package var isInterrupted: Bool { inbox.contains { interruptingKinds.contains($0.kind) } }

  package var pollTarget: PollTarget { socket.pollTarget }

  package func checkInterrupt() throws(TransportError) -> Bool {
    while inbox.count < maxReadAhead {
      var message = ControlMessage(kind: .pulse, epoch: Epoch(rawValue: 0))
      guard try next(into: &message) else { break }
      inbox.append(message)
    }
    return isInterrupted || inbox.count >= maxReadAhead
  }

  /// Takes one message off the socket without waiting.
  private func next(into message: inout ControlMessage) throws(TransportError) -> Bool {
    guard try socket.tryReceive(into: inbound) else { return false }
    var more = inbound.hasMore
    while more {
      let rest = ZMQMessage()
      guard try socket.tryReceive(into: rest) else { break }
      more = rest.hasMore
    }
    do throws(FrameError) {
      _ = try message.read(inbound, checksum: checksum)
      return true
    } catch {
      throw TransportError(
        .malformedFrame, "worker \(name) cannot read the coordinator: \(error)", frame: error)
    }
  }
}
