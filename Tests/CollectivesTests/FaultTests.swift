import Collectives
import TestSupport
import Testing
import Transport
import Wire

/// A link pair's hub with rank 0's communicator in epoch 5; frames of other ranks are made by hand.
private struct Bench: ~Copyable {
  let hub: LoopbackHub
  var communicator: Communicator
  let plan = ExchangePlan(
    sends: [],
    receives: [
      Transfer(peer: 1, byteOffset: 0, byteCount: 4), Transfer(peer: 2, byteOffset: 4, byteCount: 4),
    ])

  init(maxEarlyFrames: Int = 8) throws {
    hub = try LoopbackHub(worldSize: 3)
    let link = hub.link(rank: 0, epoch: Epoch(rawValue: 5))
    communicator = Communicator(link: link, maxEarlyFrames: maxEarlyFrames)
  }

  /// Delivers a frame from `source`; `edit` may break its bytes.
  func deliver(
    from source: UInt32, epoch: UInt64 = 5, step: UInt64 = 1, sequence: UInt32 = 0, _ payload: [UInt8],
    edit: (inout [UInt8]) -> Void = { _ in }
  ) throws {
    let header = FrameHeader(
      kind: .exchange, epoch: Epoch(rawValue: epoch), step: StepNumber(rawValue: step), sequence: sequence,
      source: source, destination: 0, payloadBytes: payload.count)
    var frame = [UInt8](repeating: 0, count: FrameHeader.byteCount) + payload
    var span = frame.mutableSpan
    header.encode(into: &span)
    edit(&frame)
    try hub.inject(frame, to: 0)
  }

  mutating func exchange(step: UInt64 = 1, sequence: UInt32 = 0, milliseconds: Int = 20_000) throws -> [UInt8]
  {
    var memory = [UInt8](repeating: 0, count: 8)
    var span = memory.mutableSpan
    var raw = span.frameBytes
    try communicator.exchange(
      plan, at: place(step, sequence), memory: &raw, deadline: .after(milliseconds: milliseconds))
    return memory
  }

  mutating func failure(milliseconds: Int = 20_000) throws -> CollectiveError {
    do {
      let memory = try exchange(milliseconds: milliseconds)
      throw Unexpected(memory: memory)
    } catch let error as CollectiveError {
      return error
    }
  }

  struct Unexpected: Error {
    let memory: [UInt8]
  }
}

@Test("a peer that stays silent is named when the deadline passes")
func missingPeer() throws {
  var bench = try Bench()
  try bench.deliver(from: 1, [1, 2, 3, 4])
  let error = try bench.failure(milliseconds: 30)
  #expect(error.code == .deadlineExceeded)
  #expect(error.missing == [2])
  #expect(error.peer == 2)
  #expect(error.waited >= .milliseconds(29))
  #expect("\(error)".contains("rank 2"))
}

@Test("frames of another epoch are dropped and counted")
func otherEpochs() throws {
  var bench = try Bench()
  try bench.deliver(from: 1, epoch: 4, [9, 9, 9, 9])
  try bench.deliver(from: 2, epoch: 6, [9, 9, 9, 9])
  try bench.deliver(from: 2, [5, 6, 7, 8])
  try bench.deliver(from: 1, [1, 2, 3, 4])
  #expect(try bench.exchange() == [1, 2, 3, 4, 5, 6, 7, 8])
  #expect(bench.communicator.link.traffic.staleFramesDropped == 1)
  #expect(bench.communicator.link.traffic.futureFramesDropped == 1)
}

@Test("early frames wait for their turn, doubles and late ones are dropped")
func earlyAndDouble() throws {
  var bench = try Bench()
  try bench.deliver(from: 1, sequence: 1, [11, 12, 13, 14])
  try bench.deliver(from: 1, [1, 2, 3, 4])
  try bench.deliver(from: 1, [1, 2, 3, 4])
  try bench.deliver(from: 2, step: 2, [25, 26, 27, 28])
  try bench.deliver(from: 2, [5, 6, 7, 8])
  #expect(try bench.exchange() == [1, 2, 3, 4, 5, 6, 7, 8])
  try bench.deliver(from: 2, [5, 6, 7, 8])
  try bench.deliver(from: 2, sequence: 1, [15, 16, 17, 18])
  #expect(try bench.exchange(sequence: 1) == [11, 12, 13, 14, 15, 16, 17, 18])
  try bench.deliver(from: 1, step: 2, [21, 22, 23, 24])
  #expect(try bench.exchange(step: 2) == [21, 22, 23, 24, 25, 26, 27, 28])
  #expect(bench.communicator.duplicateFramesDropped == 2)
}

@Test("early frames of an epoch that ended are gone")
func newEpoch() throws {
  var bench = try Bench()
  try bench.deliver(from: 1, sequence: 1, [9, 9, 9, 9])
  _ = try bench.failure(milliseconds: 5)
  bench.communicator.begin(epoch: Epoch(rawValue: 6))
  try bench.deliver(from: 1, epoch: 6, sequence: 1, [1, 2, 3, 4])
  try bench.deliver(from: 2, epoch: 6, sequence: 1, [5, 6, 7, 8])
  #expect(try bench.exchange(sequence: 1) == [1, 2, 3, 4, 5, 6, 7, 8])
}

@Test("a peer that runs too far ahead is named")
func tooManyEarly() throws {
  var bench = try Bench(maxEarlyFrames: 3)
  for sequence in 1...4 { try bench.deliver(from: 2, sequence: UInt32(sequence), [1, 2, 3, 4]) }
  let error = try bench.failure()
  #expect(error.code == .tooManyEarlyFrames)
  #expect(error.peer == 2)
}

@Test("a corrupted frame names its sender", arguments: [70, 61, 40])
func corruptedFrame(position: Int) throws {
  var bench = try Bench()
  try bench.deliver(from: 2, [5, 6, 7, 8, 9, 10, 11, 12]) { $0[position] ^= 0x10 }
  let error = try bench.failure()
  #expect(error.code == .malformedFrame)
  #expect(error.peer == 2)
  #expect(error.underlying?.frame != nil)
  #expect(bench.communicator.link.traffic.malformedFrames == 1)
}

@Test("a frame of another size than planned names its sender", arguments: [0, 3, 5])
func wrongSize(size: Int) throws {
  var bench = try Bench()
  try bench.deliver(from: 1, Array(repeating: 1, count: size))
  let error = try bench.failure()
  #expect(error.code == .sizeMismatch)
  #expect(error.peer == 1)
  #expect(error.detail.contains("\(size) bytes"))
}

@Test("a frame from a rank without a part in it names its sender")
func uninvited() throws {
  var communicator = try Bench().communicatorOfNoPlan()
  var memory: [UInt8] = [0, 0, 0, 0]
  var span = memory.mutableSpan
  var raw = span.frameBytes
  let plan = ExchangePlan(sends: [], receives: [Transfer(peer: 1, byteOffset: 0, byteCount: 4)])
  do {
    try communicator.exchange(plan, at: place(1), memory: &raw, deadline: .after(soon))
    Issue.record("a frame without a place was taken")
  } catch {
    #expect(error.code == .unexpectedFrame)
    #expect(error.peer == 2)
  }
}

extension Bench {
  /// The communicator with one frame from rank 2 in its inbox.
  consuming func communicatorOfNoPlan() throws -> Communicator {
    try deliver(from: 2, [1, 2, 3, 4])
    return communicator
  }
}

@Test("an interrupt ends a wait at once")
func interrupted() throws {
  var bench = try Bench()
  let event = try EventDescriptor()
  bench.communicator.link.interruptSource = event
  event.signal()
  let error = try bench.failure()
  #expect(error.code == .interrupted)
}

@Test("a shorter frame is taken where the size is a bound")
func variableSize() throws {
  var bench = try Bench()
  try bench.deliver(from: 1, [7, 8, 9])
  let plan = ExchangePlan(
    sends: [], receives: [Transfer(peer: 1, byteOffset: 2, byteCount: 6)], receiveSizes: .upTo)
  var memory = [UInt8](repeating: 0, count: 8)
  var span = memory.mutableSpan
  var raw = span.frameBytes
  try bench.communicator.exchange(plan, at: place(1), memory: &raw, deadline: .after(soon))
  #expect(memory == [0, 0, 7, 8, 9, 0, 0, 0])
  #expect(bench.communicator.bytesReceived(from: 1) == 3)
}
