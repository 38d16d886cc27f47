import TestSupport
import Testing
import Transport
import Wire

private let soon = Duration.seconds(20)
private let step = StepNumber(rawValue: 1)

private func target(_ peer: Int, _ sequence: UInt32 = 0) -> FrameTarget {
  FrameTarget(peer: peer, step: step, sequence: sequence)
}

@Test("a link takes frames of any size, pieces in order", arguments: ["ipc", "tcp", "shm"])
func frameSizes(transport: String) throws {
  let directory = try RunDirectory()
  let context = try ZMQContext(security: .encrypted(try CurveKeys.generate()))
  func link(_ rank: Int) throws -> any PeerLink {
    let texts = [
      "ipc": "\(directory.endpoint("data-r\(rank)"))", "tcp": "tcp://127.0.0.1:*", "shm": "shm://*",
    ]
    return try Links.make(
      context, rank: rank, worldSize: 2, endpoint: try Endpoint(try #require(texts[transport])),
      epoch: Epoch(rawValue: 0))
  }
  let (a, b) = (try link(0), try link(1))
  try a.connect([a.endpoint, b.endpoint])
  for (sequence, size) in [0, 1, 7, 4096, 100_000, 3_000_000].enumerated() {
    let memory = (0..<(size + 10)).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let pieces = [MemoryPiece(offset: size, byteCount: 10), MemoryPiece(offset: 0, byteCount: size)]
    try a.send(
      target(1, UInt32(sequence)), pieces: pieces.span, of: memory.span.frameBytes, deadline: .after(soon))
    let frame = try b.receive(deadline: .after(soon))
    #expect(frame.header.sequence == UInt32(sequence))
    #expect(frame.header.source == 0)
    #expect(frame.copyPayload() == Array(memory[size...]) + memory[..<size])
  }
  #expect(a.traffic.sent[1].payloadBytes == b.traffic.received[0].payloadBytes)
  #expect(a.traffic.sent[1].headerBytes == 6 * 64)
}

@Test("a wait ends with its deadline, a frame too large is refused, a stranger cannot be sent to")
func linkErrors() throws {
  let directory = try RunDirectory()
  var options = SocketOptions()
  options.maxMessageBytes = 1064
  let link = try ZMQLink(
    try ZMQContext(), rank: 0, worldSize: 3, endpoint: directory.endpoint("data-r0"), options: options)
  func code(_ body: () throws(TransportError) -> Void) -> TransportError.Code? {
    do {
      try body()
      return nil
    } catch {
      return error.code
    }
  }
  let receiving = code { () throws(TransportError) in
    let frame = try link.receive(deadline: .after(milliseconds: 5))
    Issue.record("\(frame.header)")
  }
  #expect(receiving == .deadlineExceeded)
  let bytes = [UInt8](repeating: 0, count: 1001)
  let unknown = code { () throws(TransportError) in
    try link.send(target(1), payload: bytes.span.frameBytes, deadline: .after(soon))
  }
  #expect(unknown == .unreachablePeer)
  try link.connect(to: 1, at: directory.endpoint("data-r1"))
  let large = code { () throws(TransportError) in
    try link.send(target(1), payload: bytes.span.frameBytes, deadline: .after(soon))
  }
  #expect(large == .messageTooLarge)
}

@Test("a peer that never reads fills its queue, and the send ends with its deadline")
func fullQueue() throws {
  let directory = try RunDirectory()
  var options = SocketOptions()
  options.highWaterMark = 4
  let link = try ZMQLink(
    try ZMQContext(), rank: 0, worldSize: 2, endpoint: directory.endpoint("data-r0"), options: options)
  try link.connect(to: 1, at: directory.endpoint("data-r1"))
  let bytes: [UInt8] = [1]
  var failure: TransportError?
  for sequence in 0..<10 where failure == nil {
    do throws(TransportError) {
      try link.send(
        target(1, UInt32(sequence)), payload: bytes.span.frameBytes, deadline: .after(milliseconds: 20))
    } catch {
      failure = error
    }
  }
  #expect(failure?.code == .deadlineExceeded)
  #expect(failure?.peer == 1)
}

@Test(
  "an abort on the control plane ends a wait on the data plane; other messages wait their turn",
  arguments: ["ipc", "shm"])
func abortEndsWait(transport: String) throws {
  let directory = try RunDirectory()
  let context = try ZMQContext()
  let epoch = Epoch(rawValue: 2)
  let server = try ControlServer(context, endpoint: directory.endpoint("control"))
  let name = WorkerName(rank: 0, epoch: epoch, incarnation: 0)
  let client = try ControlClient(context, endpoint: server.endpoint, name: name)
  try client.send(ControlMessage(kind: .hello, epoch: epoch), deadline: .after(soon))
  _ = try server.wait(until: .after(soon))
  _ = try server.receive()
  let place = transport == "shm" ? try Endpoint("shm://*") : directory.endpoint("data-r0")
  let link = try Links.make(context, rank: 0, worldSize: 2, endpoint: place, epoch: epoch)
  link.interruptSource = client
  try server.send(ControlMessage(kind: .stepPlan, epoch: epoch, payload: [1]), to: name)
  try server.send(ControlMessage(kind: .abort, epoch: epoch, payload: [2]), to: name)
  var failure: TransportError?
  do throws(TransportError) {
    let frame = try link.receive(deadline: .after(soon))
    Issue.record("\(frame.header)")
  } catch {
    failure = error
  }
  #expect(failure?.code == .interrupted)
  #expect(try client.receive(deadline: .immediate)?.kind == .stepPlan)
  #expect(client.isInterrupted)
  #expect(try client.receive(deadline: .immediate)?.payload == [2])
  #expect(!client.isInterrupted)
}

@Test("anything may arrive on a data socket and none of it crashes", arguments: 0..<4)
func hostileFrames(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  let hub = try LoopbackHub(worldSize: 2)
  let link = hub.link(rank: 0)
  for _ in 0..<500 {
    let count = Int.random(in: 0..<200, using: &random)
    var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    if count > 8, Bool.random(using: &random) {
      bytes.replaceSubrange(0..<8, with: [0x4D, 0x44, 0x46, 0x31, 1, 0, 1, 0])
    }
    try hub.inject(bytes, to: 0)
    var failure: TransportError?
    do throws(TransportError) {
      let frame = try link.receive(deadline: .after(soon))
      Issue.record("took \(frame.header), \(random)")
    } catch {
      failure = error
    }
    #expect(failure?.code == .malformedFrame, "\(random)")
  }
  #expect(link.traffic.malformedFrames == 500)
}
