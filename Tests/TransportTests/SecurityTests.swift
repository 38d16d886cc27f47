import TestSupport
import Testing
import Transport
import Wire

private let soon = Duration.seconds(20)
private let epoch = Epoch(rawValue: 1)
private let loopback = Endpoint.tcp(host: "127.0.0.1", port: 0)

private func encrypted() throws -> ZMQContext {
  try ZMQContext(security: .encrypted(try CurveKeys.generate()))
}

private func client(_ context: ZMQContext, _ rank: UInt32, to endpoint: Endpoint) throws -> ControlClient {
  try ControlClient(
    context, endpoint: endpoint, name: WorkerName(rank: rank, epoch: epoch, incarnation: 0))
}

private func greet(_ client: ControlClient) throws {
  try client.send(ControlMessage(kind: .hello, epoch: epoch), deadline: .after(soon))
}

/// The next event within the time.
private func event(_ server: ControlServer, _ time: Duration = soon) throws -> ControlServer.Event? {
  let deadline = Deadline.after(time)
  while !deadline.hasPassed {
    if let event = try server.receive() { return event }
    _ = try server.wait(until: deadline)
  }
  return nil
}

private func sender(_ event: ControlServer.Event?) -> UInt32? {
  if case .message(_, let worker)? = event { worker.rank } else { nil }
}

@Suite("encrypted sockets") struct SecurityTests {
  @Test("only ranks of the plan get in, under their own names; strangers are counted")
  func onlyThePlan() throws {
    let keys = try RunKeys.generate(worldSize: 2)
    let host = try ZMQContext(security: .encrypted(keys.coordinator))
    host.admit(keys.guests, complete: true)
    let server = try ControlServer(host, endpoint: loopback)
    #expect(server.endpoint.key == keys.coordinator.publicKey)

    let stranger = try client(try encrypted(), 0, to: server.endpoint)
    try greet(stranger)
    let deadline = Deadline.after(soon)
    while host.refusals.count == 0, !deadline.hasPassed {
      _ = try server.wait(until: .after(milliseconds: 5))
    }
    #expect(host.refusals.count >= 1 && host.refusals.lastAddress == "127.0.0.1")
    #expect(try server.receive() == nil)

    let pass = try WorkerPass(keys.ticket(of: 1))
    #expect(pass.coordinatorKey == nil)
    let member = try ZMQContext(security: .encrypted(pass.keys))
    let good = try client(member, 1, to: server.endpoint)
    try greet(good)
    #expect(sender(try event(server)) == 1)
    // The same key under another name.
    let impostor = try client(member, 0, to: server.endpoint)
    try greet(impostor)
    guard case .malformed(let error, from: nil)? = try event(server) else {
      Issue.record("an impostor was believed")
      return
    }
    #expect(error.message.contains("key of rank 1"))
  }

  @Test("the join secret lets any rank in, and tells a false coordinator from the right one")
  func joinSecret() throws {
    let secret = try JoinSecret.generate()
    let again = try JoinSecret("  " + secret.text)
    #expect(again == secret)
    let keys = RunKeys(secret)
    let host = try ZMQContext(security: .encrypted(keys.coordinator))
    host.admit(keys.guests, complete: true)
    let server = try ControlServer(host, endpoint: loopback)
    let pass = try WorkerPass(secret.text)
    #expect(pass.coordinatorKey == keys.coordinator.publicKey)
    let workers = try ZMQContext(security: .encrypted(pass.keys))
    let address = server.endpoint.with(key: nil).with(key: pass.coordinatorKey)
    for rank: UInt32 in [3, 0] {
      let worker = try client(workers, rank, to: address)
      try greet(worker)
      #expect(sender(try event(server)) == rank)
    }
    let other = try client(workers, 5, to: server.endpoint.with(key: try CurveKeys.generate().publicKey))
    try greet(other)
    #expect(try event(server, .milliseconds(50)) == nil)
  }

  @Test("plain peers get nothing from an encrypted socket")
  func plainPeer() throws {
    let host = try encrypted()
    let server = try ControlServer(host, endpoint: loopback)
    let plain = try ZMQContext(security: .insecure)
    let worker = try client(plain, 0, to: server.endpoint.with(key: nil))
    try greet(worker)
    #expect(try event(server, .milliseconds(50)) == nil)
    let error = #expect(throws: TransportError.self) { _ = try client(plain, 0, to: server.endpoint) }
    #expect(error?.code == .insecureEndpoint)
  }

  @Test("without keys TCP is refused, and without the listener's key no connection is made")
  func noKeys() throws {
    let local = try ZMQContext()
    var error = #expect(throws: TransportError.self) { _ = try ControlServer(local, endpoint: loopback) }
    #expect(error?.code == .insecureEndpoint)
    let nowhere = Endpoint.tcp(host: "127.0.0.1", port: 9)
    error = #expect(throws: TransportError.self) { _ = try client(local, 0, to: nowhere) }
    #expect(error?.code == .insecureEndpoint)
    error = #expect(throws: TransportError.self) { _ = try client(try encrypted(), 0, to: nowhere) }
    #expect(error?.message.contains("impostor") == true)
  }

  @Test("links of separate processes' contexts exchange frames, whichever hears of the other first")
  func links() throws {
    let contexts = [try encrypted(), try encrypted()]
    let links = try (0..<2).map {
      try ZMQLink(contexts[$0], rank: $0, worldSize: 2, endpoint: loopback, epoch: epoch)
    }
    let book = links.map(\.endpoint)
    #expect(book[0].key != book[1].key)
    // Rank 0 connects and sends while rank 1 does not know it yet; its connection waits at the door.
    try links[0].connect(book)
    let target = FrameTarget(peer: 1, step: StepNumber(rawValue: 1), sequence: 0)
    let memory: [UInt8] = [1, 2, 3]
    try links[0].send(target, payload: memory.span.frameBytes, deadline: .after(soon))
    #expect(throws: TransportError.self) { _ = try links[1].receive(deadline: .after(milliseconds: 100)) }
    try links[1].connect(book)
    #expect(try links[1].receive(deadline: .after(soon)).copyPayload() == memory)
    #expect(contexts[1].refusals.count == 0)
  }

  @Test(
    "what is no secret is refused without being repeated",
    arguments: ["", "meshdecode-join-1 short", "meshdecode-rank-1 \u{7F}", "sesame"])
  func malformedSecrets(text: String) {
    let error = #expect(throws: TransportError.self) { try WorkerPass(text) }
    #expect(error?.code == .malformedKey)
    #expect(error?.message.contains("sesame") == false)
  }

  @Test("an endpoint keeps its key through its text", arguments: ["tcp://127.0.0.1:5", "tcp://[::1]:*"])
  func endpointKeys(text: String) throws {
    let key = try CurveKeys.generate().publicKey
    let endpoint = try Endpoint("\(text)|\(key)")
    #expect(endpoint.key == key)
    #expect(try Endpoint(endpoint.description) == endpoint)
    #expect(try endpoint.address == Endpoint(text).description)
    #expect(throws: TransportError.self) { try Endpoint("\(text)|nokey") }
  }
}
