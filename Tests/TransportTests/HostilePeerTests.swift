import TestSupport
import Testing
import Transport
import Wire

private let soon = Duration.seconds(20)

/// A DEALER socket under any name, which sends what it likes.
private func stranger(_ context: ZMQContext, _ name: String, to endpoint: Endpoint) throws -> ZMQSocket {
  var options = SocketOptions()
  options.routingID = Array(name.utf8)
  let socket = try ZMQSocket(context, .dealer, options)
  try socket.connect(endpoint)
  return socket
}

private func malformed(_ server: ControlServer) throws -> (error: TransportError, worker: WorkerName?)? {
  let deadline = Deadline.after(soon)
  while !deadline.hasPassed {
    if let event = try server.receive() {
      guard case .malformed(let error, let worker) = event else { return nil }
      return (error, worker)
    }
    _ = try server.wait(until: deadline)
  }
  return nil
}

@Test("what strangers send to the coordinator is reported with their name, and nothing is believed")
func strangers() throws {
  let directory = try RunDirectory()
  let context = try ZMQContext()
  let server = try ControlServer(context, endpoint: directory.endpoint("control"))
  let name = WorkerName(rank: 3, epoch: Epoch(rawValue: 1), incarnation: 0)

  let nameless = try stranger(context, "who", to: server.endpoint)
  #expect(try nameless.trySend(try ZMQMessage(copying: frame(source: 3).span)))
  let first = try #require(try malformed(server))
  #expect(first.worker == nil)

  let worker = try stranger(context, name.description, to: server.endpoint)
  #expect(try worker.trySend(try ZMQMessage(copying: [1, 2, 3].span)))
  let second = try #require(try malformed(server))
  #expect(second.worker == name)
  #expect(second.error.peer == 3)
  #expect(second.error.message.contains("r3.e1.i0"))

  // A good frame of another rank than the name says.
  #expect(try worker.trySend(try ZMQMessage(copying: frame(source: 2).span)))
  #expect(try malformed(server)?.worker == name)

  // More parts than one.
  #expect(try worker.trySend(try ZMQMessage(copying: frame(source: 3).span), more: true))
  #expect(try worker.trySend(try ZMQMessage(copying: frame(source: 3).span)))
  #expect(try malformed(server)?.error.message.contains("more than one part") == true)

  #expect(try worker.trySend(try ZMQMessage(copying: frame(source: 3).span)))
  _ = try server.wait(until: .after(soon))
  guard case .message(let message, let sender)? = try server.receive() else {
    Issue.record("a good message was not taken")
    return
  }
  #expect(sender == name)
  #expect(message.kind == .pulse)
  #expect(message.payload == [1, 2])
}

private func frame(source: UInt32) -> [UInt8] {
  let header = FrameHeader(
    kind: .pulse, epoch: Epoch(rawValue: 1), source: source, destination: FrameHeader.coordinator,
    payloadBytes: 2)
  var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount) + [1, 2]
  var span = bytes.mutableSpan
  header.encode(into: &span)
  return bytes
}
