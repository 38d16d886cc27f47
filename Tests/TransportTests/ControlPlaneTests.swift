import TestSupport
import Testing
import Transport
import Wire

private let soon = Duration.seconds(20)

private func message(_ kind: MessageKind, _ epoch: Epoch, _ payload: [UInt8] = []) -> ControlMessage {
  ControlMessage(kind: kind, epoch: epoch, payload: payload)
}

/// Waits for the next event; nil only after a long time.
private func nextEvent(_ server: ControlServer) throws -> ControlServer.Event? {
  let deadline = Deadline.after(soon)
  while !deadline.hasPassed {
    if let event = try server.receive() { return event }
    _ = try server.wait(until: deadline)
  }
  return nil
}

@Test("messages both ways between a coordinator and two workers")
func controlBothWays() throws {
  let directory = try RunDirectory()
  let endpoint = directory.endpoint("control")
  let epoch = Epoch(rawValue: 3)
  _ = try RankHarness.values(3) { index in
    if index == 2 { return try coordinator(at: endpoint, epoch) }
    let context = try ZMQContext()
    let name = WorkerName(rank: UInt32(index), epoch: epoch, incarnation: 7)
    let client = try ControlClient(context, endpoint: endpoint, name: name)
    try client.send(message(.hello, epoch, [1, 2, UInt8(index)]), deadline: .after(soon))
    let answer = try #require(try client.receive(deadline: .after(soon)))
    #expect(answer.kind == .configure)
    #expect(answer.epoch == epoch)
    #expect(answer.payload == Array(repeating: UInt8(index), count: 100_000))
    try client.send(message(.farewell, epoch), deadline: .after(soon))
  }
}

private func coordinator(at endpoint: Endpoint, _ epoch: Epoch) throws {
  let server = try ControlServer(try ZMQContext(), endpoint: endpoint)
  var farewells = 0
  while farewells < 2 {
    guard case .message(let got, let worker)? = try nextEvent(server) else {
      Issue.record("nothing readable came from the workers")
      return
    }
    if got.kind == .farewell {
      farewells += 1
      continue
    }
    #expect(got == message(.hello, epoch, [1, 2, UInt8(worker.rank)]))
    #expect(worker.incarnation == 7)
    let answer = message(.configure, epoch, Array(repeating: UInt8(worker.rank), count: 100_000))
    try server.send(answer, to: worker)
  }
}

@Test("a worker that is not there cannot be sent to")
func unknownWorker() throws {
  let directory = try RunDirectory()
  let server = try ControlServer(try ZMQContext(), endpoint: directory.endpoint("control"))
  let name = WorkerName(rank: 4, epoch: Epoch(rawValue: 0), incarnation: 0)
  let error = try #require(throws: TransportError.self) {
    try server.send(message(.abort, Epoch(rawValue: 0)), to: name)
  }
  #expect(error.code == .unreachablePeer)
  #expect(error.peer == 4)
  #expect(error.message.contains("r4.e0.i0"))
}

@Test("the coordinator's wait ends with a descriptor, and with its deadline")
func waitForDescriptor() throws {
  let directory = try RunDirectory()
  let server = try ControlServer(try ZMQContext(), endpoint: directory.endpoint("control"))
  let event = try EventDescriptor()
  let quiet = try server.wait(descriptors: [event.descriptor], until: .after(milliseconds: 1))
  #expect(quiet == ControlServer.Readiness())
  event.signal()
  let woken = try server.wait(descriptors: [event.descriptor], until: .after(soon))
  #expect(woken.descriptors == [event.descriptor])
  #expect(!woken.hasMessages)
  #expect(event.clear())
  #expect(!event.clear())
}

@Test("a worker's name is read back, and nothing else is")
func workerNames() {
  let name = WorkerName(rank: 12, epoch: Epoch(rawValue: 345), incarnation: 6)
  #expect(WorkerName(Array(name.description.utf8).span) == name)
  for text in ["", "r1", "r1.e2", "r1.e2.i3.", "r01.e2.i3", "r1.e2.i-3", "r1.e2.i99999999999", "x1.e2.i3"] {
    #expect(WorkerName(Array(text.utf8).span) == nil)
  }
}
