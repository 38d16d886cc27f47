import TestSupport
import Testing
import Transport
import Wire

private let soon = Duration.seconds(20)

private func target(_ peer: Int, _ sequence: UInt32 = 0, step: UInt64 = 1) -> FrameTarget {
  FrameTarget(peer: peer, step: StepNumber(rawValue: step), sequence: sequence)
}

@Suite struct FaultyLinkTests {
  /// Two ranks behind faulty links, in the transport given.
  private struct Pair {
    let directory: RunDirectory
    let context: ZMQContext
    let a: FaultyLink
    let b: FaultyLink

    init(_ conditions: String, transport: String = "ipc", epoch: UInt64 = 5) throws {
      let directory = try RunDirectory()
      let context = try ZMQContext(security: .encrypted(try CurveKeys.generate()))
      func link(_ rank: Int) throws -> FaultyLink {
        let texts = [
          "ipc": "\(directory.endpoint("data-r\(rank)"))", "tcp": "tcp://127.0.0.1:*", "shm": "shm://*",
        ]
        let inner = try Links.make(
          context, rank: rank, worldSize: 2, endpoint: try Endpoint(try #require(texts[transport])),
          epoch: Epoch(rawValue: epoch))
        return FaultyLink(inner, try LinkConditions(conditions, worldSize: 2))
      }
      (a, b) = (try link(0), try link(1))
      for end in [a, b] { try end.connect([a.endpoint, b.endpoint]) }
      (self.directory, self.context) = (directory, context)
    }

    func send(_ count: Int, bytes: Int = 100) throws {
      let memory = (0..<bytes).map { UInt8(truncatingIfNeeded: $0) }
      for sequence in 0..<count {
        try a.send(
          target(1, UInt32(sequence)), payload: memory.span.frameBytes, deadline: .after(soon))
      }
    }

    /// Sequences in the order in which they came, -1 for a frame that cannot be read: as many as are known to come, and
    /// what comes soon after them.
    func received(_ count: Int) -> [Int] {
      var found: [Int] = []
      while true {
        do throws(TransportError) {
          let frame = try b.receive(deadline: found.count < count ? .after(soon) : .after(milliseconds: 30))
          found.append(Int(frame.header.sequence))
        } catch {
          guard error.code == .malformedFrame else { return found }
          found.append(-1)
        }
      }
    }
  }

  @Test(arguments: ["ipc", "tcp", "shm"]) func aClearLinkIsALink(transport: String) throws {
    let pair = try Pair("clear", transport: transport)
    try pair.send(50)
    #expect(pair.received(50) == Array(0..<50))
    #expect(pair.a.traffic.sent[1].frames == 50 && pair.b.traffic.received[0].frames == 50)
    #expect(pair.a.counts == LinkFaultCounts())
  }

  @Test(arguments: ["ipc", "tcp", "shm"]) func framesVanishOrComeTwice(transport: String) throws {
    let pair = try Pair("0>1:drop=0.3,duplicate=0.3;seed=4", transport: transport)
    try pair.send(200)
    let counts = pair.a.counts
    let came = pair.received(200 - counts.dropped + counts.duplicated)
    #expect(came == came.sorted())
    #expect(counts.dropped > 30 && counts.duplicated > 30 && counts.dropped < 100)
    #expect(Set(came).count == 200 - counts.dropped && came.count > Set(came).count)
    // The other direction has no such rule.
    #expect(pair.b.counts == LinkFaultCounts())
    let again = try Pair("0>1:drop=0.3,duplicate=0.3;seed=4")
    try again.send(200)
    #expect(again.received(came.count) == came)
  }

  @Test(arguments: ["ipc", "shm"]) func brokenFramesAreSeen(transport: String) throws {
    for rule in ["corrupt", "truncate"] {
      let pair = try Pair("\(rule)=1,times=40;seed=2", transport: transport)
      try pair.send(60, bytes: 3000)
      let came = pair.received(60)
      #expect(came.filter { $0 == -1 }.count == 40, "\(rule)")
      #expect(came.filter { $0 >= 0 } == Array(40..<60))
      #expect(pair.b.traffic.malformedFrames == 40)
    }
  }

  /// A bit that is wrong before the checksum is made: the frame is whole, and only its content differs.
  @Test func falsifiedFramesLookWhole() throws {
    let pair = try Pair("falsify=1,times=40;seed=2")
    try pair.send(60, bytes: 3000)
    for sequence in 0..<60 {
      let frame = try pair.b.receive(deadline: .after(soon))
      let payload = frame.copyPayload()
      let wrongBits = payload.indices.reduce(0) {
        $0 + (payload[$1] ^ UInt8(truncatingIfNeeded: $1)).nonzeroBitCount
      }
      #expect(wrongBits == (sequence < 40 ? 1 : 0))
    }
    #expect(pair.a.counts.falsified == 40 && pair.b.traffic.malformedFrames == 0)
  }

  @Test func staleFramesAreDropped() throws {
    let pair = try Pair("stale=1")
    try pair.send(20)
    #expect(pair.received(20) == Array(0..<20))
    #expect(pair.b.traffic.staleFramesDropped == 20 && pair.a.counts.replayed == 20)
  }

  @Test func framesAreOvertaken() throws {
    let pair = try Pair("reorder=0.3;seed=3")
    try pair.send(100)
    let came = pair.received(100)
    #expect(came.sorted() == Array(0..<100) && pair.a.counts.reordered > 15)
    // All sent at once: those that are overtaken come later than all others.
    var schedule = LinkSchedule(
      try LinkConditions("reorder=0.3;seed=3", worldSize: 2), rank: 0, worldSize: 2, now: 0)
    let fates = (0..<100).map { schedule.fate(of: target(1, $0), frameBytes: 100, now: 5) }
    #expect(fates.allSatisfy { $0.isOvertaken ? $0.hold > 0 : $0.hold == 0 })
    #expect(fates.filter(\.isOvertaken).count == pair.a.counts.reordered)
  }

  /// Delay, jitter and rate keep every frame, and their order.
  @Test(arguments: ["ipc", "shm"]) func slowLinksKeepOrder(transport: String) throws {
    let pair = try Pair("delay=3ms,jitter=2ms,rate=100mbit;seed=1", transport: transport)
    let started = Deadline.now
    try pair.send(20, bytes: 12_500)
    #expect(pair.received(20) == Array(0..<20))
    // 20 frames of 100,512 bits, then the delay: no frame may come earlier.
    #expect(Deadline.now - started > 23_000_000)
    #expect(pair.b.counts.delayed > 0)
  }

  @Test func heldFramesOfAnotherEpochAreDropped() throws {
    let pair = try Pair("delay=1s")
    try pair.send(5)
    #expect(pair.received(0) == [])
    for end in [pair.a, pair.b] { end.epoch = Epoch(rawValue: 6) }
    try pair.send(2)
    #expect(pair.received(2) == [0, 1])
    #expect(pair.b.traffic.staleFramesDropped == 5)
  }

  @Test func rulesEndWithTheirTimes() throws {
    let conditions = try LinkConditions(
      "0>1:cut,for=1s;drop,step=9,operation=2;corrupt,times=3", worldSize: 2)
    var schedule = LinkSchedule(conditions, rank: 0, worldSize: 2, now: 0)
    func fate(_ now: UInt64, step: UInt64 = 1, _ sequence: UInt32 = 0) -> FrameFate {
      schedule.fate(of: target(1, sequence, step: step), frameBytes: 100, now: now)
    }
    #expect(fate(10).isDropped && fate(999_999_999).isDropped)
    #expect(!fate(1_000_000_000).isDropped)
    #expect(!fate(2_000_000_000, step: 9, 1).isDropped && fate(2_000_000_000, step: 9, 2).isDropped)
    #expect(fate(3_000_000_000).isPlain)
    // Rules that stay keep what they have done.
    schedule.update(try LinkConditions("corrupt,times=3", worldSize: 2), now: 4_000_000_000)
    #expect(fate(5_000_000_000).isPlain)
    schedule.update(try LinkConditions("corrupt,times=4", worldSize: 2), now: 4_000_000_000)
    #expect(fate(5_000_000_000).flippedBit != nil)
  }

  @Test func conditionsAreWrittenAsTheyAreRead() throws {
    let texts = [
      "clear", "delay=200us,jitter=50us,rate=1gbit", "0>1:drop=0.25,times=3;1-2:cut,after=5ms,for=2s;seed=9",
      "*>2:reorder=0.5,corrupt=0.1,falsify=0.3,truncate=1,stale,duplicate=0.2,step=7,operation=3",
    ]
    for text in texts {
      let conditions = try LinkConditions(text, worldSize: 3)
      #expect(try LinkConditions("\(conditions)", worldSize: 3) == conditions)
    }
    #expect(try LinkConditions("delay=1ms;rate=5mbit", worldSize: 2).isShapingOnly)
  }

  @Test(arguments: [
    ("delay=5", "give a time"), ("delay=1h", "give a time"), ("0>3:cut", "names rank '3'"), ("0:cut", "A>B"),
    ("1-1:cut", "with itself"), ("drop=2", "chance of 0 to 1"), ("rate=1", "bits per second"),
    ("lose=1", "has 'lose'"),
    ("0>1:", "empty rule"), ("seed=x", "the seed"), ("times=0", "give a number"), ("cut=1", "has 'cut'"),
  ])
  func wrongConditionsAreRefused(text: String, complaint: String) {
    let error = #expect(throws: LinkConditionsError.self) { try LinkConditions(text, worldSize: 3) }
    #expect(error?.description.contains(complaint) == true, "\(error?.description ?? "")")
  }
}
