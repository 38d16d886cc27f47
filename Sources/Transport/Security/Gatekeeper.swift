internal import Compute
internal import Synchronization

/// Says who may connect to the encrypted sockets of a context (ZeroMQ's ZAP, https://rfc.zeromq.org/spec/27).
///
/// libzmq asks before a connection gets anywhere; a thread of its own answers, as the asking socket may be busy. Keys
/// that are not on the list are refused. While the list is not complete an unknown key waits for a while, since its
/// owner may have heard of us before we heard of it, and is then told to come again: libzmq takes two seconds over that.
final class Gatekeeper: Sendable {
  private struct State {
    var guests: [[UInt8]: String] = [:]
    var isComplete = false
    var refusals = Refusals()
  }

  private static let address = "inproc://zeromq.zap.01"
  /// How long a question about an unknown key stays open, less than libzmq's time for a handshake.
  private static let patience = Duration.milliseconds(1500)
  private let state = Mutex(State())
  private let closing: EventDescriptor
  /// The list has grown.
  private let changed: EventDescriptor
  private let opened: EventDescriptor
  private let ended: EventDescriptor

  /// Starts the thread on a context; `close` must come before the context's end.
  init(context: UnsafeMutableRawPointer) throws(TransportError) {
    closing = try EventDescriptor()
    changed = try EventDescriptor()
    opened = try EventDescriptor()
    ended = try EventDescriptor()
    nonisolated(unsafe) let context = unsafe context
    let started = BackgroundThread.start(name: "gatekeeper") { [self] in
      unsafe serve(context)
      ended.signal()
    }
    guard started else {
      throw TransportError(
        .resourceExhausted, "the thread that admits peers cannot be started: raise `ulimit -u`")
    }
    // Before the first connection, which would get in unasked.
    guard try opened.pollTarget.sleep(or: nil, until: .after(.seconds(60))) else {
      throw TransportError(.deadlineExceeded, "the thread that admits peers did not start in time")
    }
  }

  /// Ends the thread and waits for that.
  func close() {
    closing.signal()
    _ = try? ended.pollTarget.sleep(or: nil, until: .after(.seconds(60)))
  }

  /// Puts keys on the list, with the name that each is known by. `complete`: nobody else is to come.
  func admit(_ guests: [String: String], complete: Bool) {
    state.withLock { state in
      for (key, name) in guests {
        if let bytes = CurveKeys.bytes(of: key) { state.guests[bytes] = name }
      }
      state.isComplete = state.isComplete || complete
    }
    changed.signal()
  }

  /// Those turned away so far.
  var refusals: Refusals { state.withLock { $0.refusals } }

  // MARK: On the thread

  private func serve(_ context: UnsafeMutableRawPointer) {
    defer { opened.signal() }
    guard let socket = try? unsafe ZMQSocket(unownedContext: context, .router),
      (try? socket.bind(inProcess: Self.address)) != nil
    else { return }
    opened.signal()
    answer(on: socket)
  }

  /// A question that cannot be answered yet.
  private struct Question {
    var parts: [[UInt8]]
    var deadline: Deadline
  }

  private func answer(on socket: borrowing ZMQSocket) {
    var poller = Poller(capacity: 3)
    var open: [Question] = []
    while true {
      poller.removeAll()
      poller.add(socket.pollTarget)
      poller.add(PollTarget(descriptor: closing.descriptor))
      poller.add(PollTarget(descriptor: changed.descriptor))
      let end = open.map(\.deadline).min() ?? .after(.seconds(3600))
      guard let _ = try? poller.wait(until: end) else { return }
      if closing.checkInterrupt() { return }
      changed.clear()
      while let parts = try? receive(from: socket), !parts.isEmpty {
        open.append(Question(parts: parts, deadline: .after(Self.patience)))
      }
      open.removeAll { question in
        guard let reply = reply(to: question) else { return false }
        try? send(reply, on: socket)
        return true
      }
    }
  }

  /// After the envelope of two parts: version, id, status, reason, name, metadata; the question is version, id, domain,
  /// address, routing id, mechanism and credentials. Nil leaves it open.
  private func reply(to question: Question) -> [[UInt8]]? {
    let parts = question.parts
    func reply(_ status: String, _ reason: String, _ name: String = "") -> [[UInt8]] {
      Array(parts.prefix(2)) + [Array("1.0".utf8), parts.count > 3 ? parts[3] : []]
        + [status, reason, name].map { Array($0.utf8) } + [[]]
    }
    guard parts.count >= 9, parts[7] == Array("CURVE".utf8) else { return reply("400", "no key") }
    return state.withLock { state in
      if let name = state.guests[parts[8]] { return reply("200", "", name) }
      if !state.isComplete, !question.deadline.hasPassed { return nil }
      state.refusals.count += 1
      state.refusals.lastAddress = String(decoding: parts[5].prefix(64), as: UTF8.self)
      return state.isComplete ? reply("400", "unknown key") : reply("300", "unknown key")
    }
  }

  private func receive(from socket: borrowing ZMQSocket) throws(TransportError) -> [[UInt8]] {
    var parts: [[UInt8]] = []
    var more = true
    while more {
      let part = ZMQMessage()
      guard try socket.tryReceive(into: part) else { break }
      more = part.hasMore
      let bytes = part.bytes
      // libzmq makes these; what peers may put in is at most a routing id of 255 bytes.
      if parts.count < 16 { parts.append((0..<min(bytes.count, 256)).map { bytes[$0] }) }
    }
    return parts
  }

  private func send(_ parts: [[UInt8]], on socket: borrowing ZMQSocket) throws(TransportError) {
    for (place, part) in parts.enumerated() {
      _ = try socket.trySend(try ZMQMessage(copying: part.span), more: place < parts.count - 1)
    }
  }
}

/// Connections that were turned away for their key.
package struct Refusals: Sendable, Hashable {
  package var count = 0
  /// Where the last one came from.
  package var lastAddress = ""
}
