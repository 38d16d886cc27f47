import Foundation
import Journaling
import Scheduling
import TestSupport
import Testing
import Wire

/// The bytes of a journal: whole, torn at every byte, damaged at every byte.
@Suite struct JournalTests {
  private static let opening = JournalOpening(identity: "a model", seed: 7)

  private static func request(_ number: UInt64, n: Int = 1) -> JournaledRequest {
    var sampling = SamplingParameters()
    sampling.n = n
    sampling.seed = 5
    sampling.stop = ["é"]
    return JournaledRequest(
      id: RequestID(rawValue: number), promptTokens: [1, 2, TokenID(Int(number))], sampling: sampling,
      text: number % 2 == 0 ? "Once é" : nil)
  }

  private static func token(_ request: UInt64, _ completion: Int, _ index: Int, _ token: TokenID)
    -> JournalProgress
  {
    .token(RequestID(rawValue: request), completion: completion, index: index, token, nil)
  }

  private static let records: [JournalRecord] = [
    .opened(opening), .accepted(request(0, n: 2)), .accepted(request(1)),
    .progress([token(0, 0, 0, 11), token(0, 1, 0, 12), token(1, 0, 0, 13)]),
    .progress([token(0, 0, 1, 14), .ended(RequestID(rawValue: 0), completion: 0, .stop)]),
    .accepted(request(2)), .progress([.withdrawn(RequestID(rawValue: 2))]), .opened(opening),
    .progress([
      token(1, 0, 1, 15), .ended(RequestID(rawValue: 1), completion: 0, .length), token(0, 1, 1, 16),
    ]),
  ]

  private static func bytes(_ records: [JournalRecord]) -> [UInt8] {
    records.reduce(JournalFormat.magic) { $0 + JournalFormat.frame($1) }
  }

  @Test func everyRecordSurvives() throws {
    for record in Self.records { #expect(try JournalRecord(decoding: record.encoded()) == record) }
    let contents = try JournalContents(bytes: Self.bytes(Self.records), path: "j")
    #expect(contents.requests.map(\.request.id.rawValue) == [0, 1])
    #expect(contents.requests[0].request == Self.request(0, n: 2))
    #expect(
      contents.requests[0].output(0).tokens == [11, 14] && contents.requests[0].output(0).finish == .stop)
    #expect(
      contents.requests[0].output(1).tokens == [12, 16] && contents.requests[0].output(1).finish == nil)
    #expect(!contents.requests[0].isOver && contents.requests[1].isOver)
    #expect(contents.numUnfinished == 1 && contents.numTokens == 6)
    #expect(contents.opening == Self.opening && contents.tornBytes == 0)
    #expect(contents.nextFirstEpoch == Epoch(rawValue: 2 << 32 | 1))
  }

  /// Cut anywhere, a journal says what its whole records say.
  @Test func aTornEndIsCutOff() throws {
    let whole = Self.bytes(Self.records)
    var ends = [JournalFormat.magic.count]
    for record in Self.records { ends.append(ends.last! + JournalFormat.frame(record).count) }
    let expected = try Self.records.indices.map {
      try JournalContents(bytes: Self.bytes(Array(Self.records.prefix($0))), path: "j").requests
    }
    for cut in 0..<whole.count {
      let contents = try JournalContents(bytes: Array(whole[..<cut]), path: "j")
      let records = max(0, ends.count { $0 <= cut } - 1)
      #expect(contents.requests == expected[records], "cut at \(cut)")
      #expect(contents.validBytes + contents.tornBytes == cut)
      // The zeros of a power cut are a torn end too.
      guard ends.contains(cut) else { continue }
      let zeros = Array(whole[..<cut]) + [UInt8](repeating: 0, count: 100)
      #expect(try JournalContents(bytes: zeros, path: "j").requests == expected[records])
    }
  }

  /// A changed byte is either noticed, or lies in the last record, which is then cut off.
  @Test func damageIsNoticed() throws {
    let whole = Self.bytes(Self.records)
    var (refused, torn) = (0, 0)
    for place in whole.indices {
      var bytes = whole
      bytes[place] ^= place % 2 == 0 ? 1 : 0x80
      do {
        // A length that reaches beyond the end looks torn wherever it stands; what is before it is kept.
        #expect(try JournalContents(bytes: bytes, path: "j").tornBytes > 0, "byte \(place)")
        torn += 1
      } catch {
        refused += 1
        #expect("\(error)".contains("j"))
      }
    }
    #expect(refused > whole.count / 2 && torn > 0)
  }

  @Test func randomBytesNeverTrap() throws {
    for seed in seeds(3) {
      var random = SeededGenerator(seed: seed)
      for _ in 0..<3000 {
        var payload = Self.records.randomElement(using: &random)!.encoded()
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          payload[Int.random(in: payload.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        guard let record = try? JournalRecord(decoding: payload) else { continue }
        var contents = try JournalContents(bytes: Self.bytes(Array(Self.records.prefix(4))), path: "j")
        try? contents.take(record)
      }
    }
  }

  @Test(arguments: [
    [JournalRecord.accepted(request(0))],
    [.opened(opening), .progress([token(0, 0, 0, 1)])],
    [.opened(opening), .accepted(request(0)), .accepted(request(0))],
    [.opened(opening), .accepted(request(0)), .progress([token(0, 0, 1, 1)])],
    [.opened(opening), .accepted(request(0)), .progress([token(0, 1, 0, 1)])],
    [.opened(opening), .opened(JournalOpening(identity: "another", seed: 7))],
  ])
  func nonsenseIsRefused(records: [JournalRecord]) {
    #expect(throws: JournalError.self) { try JournalContents(bytes: Self.bytes(records), path: "j") }
  }

  @Test func aFileHasOneWriter() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appendingPathComponent("run.journal").path
      var (file, contents): (JournalFile?, JournalContents) = try JournalFile.open(path)
      #expect(contents.requests.isEmpty && contents.nextFirstEpoch == Epoch(rawValue: 1))
      #expect(throws: JournalError.self) { try JournalFile.open(path) }
      try file?.begin(Self.opening)
      try file?.accept([Self.request(0), Self.request(1)])
      file?.note([Self.token(0, 0, 0, 9)])
      file = nil
      // A torn end is there until the next coordinator begins.
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data([9, 0, 0, 0, 1, 2]))
      try handle.close()
      (file, contents) = try JournalFile.open(path)
      #expect(contents.tornBytes == 6 && contents.numTokens == 1 && contents.requests.count == 2)
      try file?.begin(Self.opening)
      file = nil
      (file, contents) = try JournalFile.open(path)
      #expect(contents.tornBytes == 0 && contents.numOpenings == 2 && contents.numTokens == 1)
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
      #expect(mode?.intValue == 0o600)
    }
  }

  @Test func anotherFileIsLeftAlone() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appendingPathComponent("letter.txt").path
      try Data("Dear reader".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: JournalError.self) { try JournalFile.open(path) }
      #expect(FileManager.default.contents(atPath: path) == Data("Dear reader".utf8))
      #expect(throws: JournalError.self) {
        try JournalFile.open(directory.appendingPathComponent("no/such/place").path)
      }
    }
  }
}
