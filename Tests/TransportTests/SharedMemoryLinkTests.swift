import Foundation
import TestSupport
import Testing
import Transport
import Wire

private let soon = Duration.seconds(20)
private let step = StepNumber(rawValue: 1)

private func target(_ peer: Int, _ sequence: UInt32 = 0) -> FrameTarget {
  FrameTarget(peer: peer, step: step, sequence: sequence)
}

private func links(_ count: Int, epoch: UInt64 = 1, maxFrameBytes: Int = 1 << 20, spin: Duration = .zero)
  throws
  -> [SharedMemoryLink]
{
  let links = try (0..<count).map {
    try SharedMemoryLink(
      rank: $0, worldSize: count, epoch: Epoch(rawValue: epoch), maxFrameBytes: maxFrameBytes, spinTime: spin)
  }
  for link in links { try link.connect(links.map(\.endpoint)) }
  return links
}

private func failure(_ body: () throws(TransportError) -> Void) -> TransportError? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}

/// `count` bytes that tell their frame.
private func content(_ sequence: UInt32, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(sequence) &* 31) }
}

@Test("a shared-memory ring keeps order and bytes, whatever its fill and however late frames are given back")
func ringKeepsFrames() throws {
  for seed in 0..<6 as Range<UInt64> {
    var random = SeededGenerator(seed: seed)
    let ends = try links(2, maxFrameBytes: 8192)
    var sent: UInt32 = 0
    var taken: UInt32 = 0
    var kept: [Kept] = []
    for _ in 0..<3000 {
      if Int.random(in: 0..<5, using: &random) < 3 {
        let payload = content(sent, Int.random(in: 0..<3000, using: &random))
        let error = failure { () throws(TransportError) in
          try ends[0].send(target(1, sent), payload: payload.span.frameBytes, deadline: .immediate)
        }
        if error == nil { sent += 1 } else { #expect(error?.code == .deadlineExceeded, "\(random)") }
      }
      if taken < sent, Bool.random(using: &random) {
        let frame = try ends[1].receive(deadline: .after(soon))
        #expect(frame.header.sequence == taken, "\(random)")
        kept.append(Kept(frame))
        taken += 1
      }
      // Given back in any order.
      if kept.count > Int.random(in: 0..<6, using: &random) {
        let old = kept.remove(at: Int.random(in: 0..<kept.count, using: &random))
        #expect(old.payload == content(old.sequence, old.payload.count), "\(random)")
      }
    }
    #expect(sent > 500 && taken > 500, "\(random)")
  }
}

/// A received frame that is looked at later.
private final class Kept {
  private let frame: InboundFrame
  init(_ frame: consuming InboundFrame) { self.frame = frame }
  var payload: [UInt8] { frame.copyPayload() }
  var sequence: UInt32 { frame.header.sequence }
}

@Test("a peer that never reads fills its ring, and the send ends with its deadline")
func fullRing() throws {
  let ends = try links(2, maxFrameBytes: 8192)
  let bytes = [UInt8](repeating: 1, count: 3000)
  var error: TransportError?
  for sequence in 0..<10 where error == nil {
    error = failure { () throws(TransportError) in
      try ends[0].send(
        target(1, UInt32(sequence)), payload: bytes.span.frameBytes, deadline: .after(milliseconds: 20))
    }
  }
  #expect(error?.code == .deadlineExceeded)
  #expect(error?.peer == 1)
}

@Test("two ranks that both send more than a ring holds do not wait for each other")
func bothSendMuch() throws {
  let book = Addresses(2)
  let barrier = ThreadBarrier(2)
  let counts = try RankHarness.values(2) { rank in
    let link = try SharedMemoryLink(rank: rank, worldSize: 2, maxFrameBytes: 16_384)
    book.set(rank, link.endpoint)
    barrier.wait()
    try link.connect(book.all)
    let peer = 1 - rank
    for sequence in 0..<40 as Range<UInt32> {
      let payload = content(sequence, 9000)
      try link.send(target(peer, sequence), payload: payload.span.frameBytes, deadline: .after(soon))
    }
    for sequence in 0..<40 as Range<UInt32> {
      let frame = try link.receive(deadline: .after(soon))
      guard frame.header.sequence == sequence, frame.copyPayload() == content(sequence, 9000) else {
        return 0
      }
    }
    barrier.wait()
    return link.traffic.received[peer].frames
  }
  #expect(counts == [40, 40])
}

@Test("waits end with deadlines and interrupts, spinning or asleep", arguments: [0, 5])
func waitsEnd(spinMilliseconds: Int) throws {
  let ends = try links(2, spin: .milliseconds(spinMilliseconds))
  let late = failure { () throws(TransportError) in
    let frame = try ends[0].receive(deadline: .after(milliseconds: 8))
    Issue.record("\(frame.header)")
  }
  #expect(late?.code == .deadlineExceeded)
  let event = try EventDescriptor()
  ends[0].interruptSource = event
  event.signal()
  let interrupted = failure { () throws(TransportError) in
    let frame = try ends[0].receive(deadline: .after(soon))
    Issue.record("\(frame.header)")
  }
  #expect(interrupted?.code == .interrupted)
  event.clear()
  let bytes: [UInt8] = [1, 2]
  try ends[1].send(target(0), payload: bytes.span.frameBytes, deadline: .after(soon))
  #expect(try ends[0].receive(deadline: .after(soon)).copyPayload() == [1, 2])
}

@Test("a replaced rank takes its ring over; frames of the old epoch are dropped, and its ghost cannot write")
func replacedRank() throws {
  var ends = try links(3)
  let old: [UInt8] = [1, 1]
  for sequence in 0..<3 as Range<UInt32> {
    try ends[1].send(target(0, sequence), payload: old.span.frameBytes, deadline: .after(soon))
  }
  // Rank 1 is declared dead; the survivors raise the epoch and a new process takes its place.
  let epoch = Epoch(rawValue: 2)
  let replacement = try SharedMemoryLink(rank: 1, worldSize: 3, epoch: epoch, maxFrameBytes: 1 << 20)
  let ghost = ends[1]
  ends[1] = replacement
  for link in ends {
    link.epoch = epoch
    try link.connect(ends.map(\.endpoint))
  }
  let error = failure { () throws(TransportError) in
    try ghost.send(target(0), payload: old.span.frameBytes, deadline: .after(soon))
  }
  #expect(error?.code == .unreachablePeer)
  let new: [UInt8] = [2, 2, 2]
  for sequence in 0..<600 as Range<UInt32> {
    try replacement.send(target(0, sequence), payload: new.span.frameBytes, deadline: .after(soon))
    #expect(try ends[0].receive(deadline: .after(soon)).header.sequence == sequence)
    try ends[0].send(target(1, sequence), payload: new.span.frameBytes, deadline: .after(soon))
    #expect(try replacement.receive(deadline: .after(soon)).copyPayload() == [2, 2, 2])
  }
  #expect(ends[0].traffic.staleFramesDropped == 3)
}

@Test("a peer that is gone is no error until something waits for it")
func absentPeer() throws {
  let link = try SharedMemoryLink(rank: 0, worldSize: 2, maxFrameBytes: 4096)
  var gone: SharedMemoryLink? = try SharedMemoryLink(rank: 1, worldSize: 2, maxFrameBytes: 4096)
  let address = try #require(gone?.endpoint)
  gone = nil
  try link.connect([link.endpoint, address])
  let bytes: [UInt8] = [1]
  let error = failure { () throws(TransportError) in
    try link.send(target(1), payload: bytes.span.frameBytes, deadline: .after(milliseconds: 10))
  }
  #expect(error?.code == .deadlineExceeded)
  #expect(error?.peer == 1)
}

@Test("whatever another process writes into the shared memory, nothing crashes", arguments: 0..<4)
func scribbledMemory(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  let ends = try links(2, maxFrameBytes: 4096)
  guard case .sharedMemory(_, let descriptor) = ends[0].endpoint else { return }
  let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
  let ring = 4096 + (4096 + 256 * 64 + 4096)
  let payload = content(0, 100)
  var malformed = 0
  for sequence in 0..<200 as Range<UInt32> {
    try ends[1].send(target(0, sequence), payload: payload.span.frameBytes, deadline: .after(soon))
    // The place and length in this frame's slot, or the header that they lead to.
    let slot = ring + 4096 + Int(sequence % 256) * 64
    let offset = Bool.random(using: &random) ? slot + 8 : ring + 4096 + 256 * 64
    try file.seek(toOffset: UInt64(offset))
    try file.write(
      contentsOf: Data((0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }))
    let error = failure { () throws(TransportError) in
      let frame = try ends[0].receive(deadline: .after(milliseconds: 1))
      Issue.record("took \(frame.header), \(random)")
    }
    if error?.code == .malformedFrame { malformed += 1 }
  }
  #expect(malformed == 200, "\(random)")
}

@Test("links leave no descriptor and no file behind")
func nothingLeft() throws {
  func open() throws -> Int {
    let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    return names.count {
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
      return target?.contains("meshdecode-r77") == true
    }
  }
  do {
    let link = try SharedMemoryLink(rank: 77, worldSize: 80, maxFrameBytes: 4096)
    #expect(try open() == 1)
    withExtendedLifetime(link) {}
  }
  #expect(try open() == 0)
}

/// Endpoints by rank, filled in by the ranks' threads.
private final class Addresses: @unchecked Sendable {
  private let lock = NSLock()
  private var entries: [Endpoint?]

  init(_ worldSize: Int) { entries = Array(repeating: nil, count: worldSize) }

  func set(_ rank: Int, _ endpoint: Endpoint) { lock.withLock { entries[rank] = endpoint } }

  var all: [Endpoint] { lock.withLock { entries.compactMap { $0 } } }
}
