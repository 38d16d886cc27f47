import Collectives
import Synchronization
import TestSupport
import Testing
import Transport
import Wire

/// How the ranks of a test are joined.
enum Joint: String, CaseIterable, Sendable {
  case loopback, ipc, tcp
}

/// Runs `body` on every rank over `joint`; all links live until every rank has finished.
func onRanks<Value: Sendable>(
  _ worldSize: Int, over joint: Joint, epoch: UInt64 = 1,
  _ body: @escaping @Sendable (_ rank: Int, _ communicator: inout Communicator) throws -> Value
) throws -> [Result<Value, any Error>] {
  let epoch = Epoch(rawValue: epoch)
  let barrier = ThreadBarrier(worldSize)
  switch joint {
  case .loopback:
    let hub = try LoopbackHub(worldSize: worldSize)
    return RankHarness.run(worldSize) { rank in
      var communicator = Communicator(link: hub.link(rank: rank, epoch: epoch))
      return try body(rank, &communicator)
    }
  case .ipc, .tcp:
    let directory = try RunDirectory()
    let book = AddressBook(worldSize)
    return RankHarness.run(worldSize) { rank in
      let context = try ZMQContext()
      let place = joint == .ipc ? directory.endpoint("data-r\(rank)") : .tcp(host: "127.0.0.1", port: 0)
      let link = try ZMQLink(context, rank: rank, worldSize: worldSize, endpoint: place, epoch: epoch)
      book.set(rank, link.endpoint)
      barrier.wait()
      try link.connect(book.all)
      var communicator = Communicator(link: link)
      defer { barrier.wait() }
      return try body(rank, &communicator)
    }
  }
}

/// Endpoints by rank, filled in by the ranks' threads.
final class AddressBook: Sendable {
  private let entries: Mutex<[Endpoint?]>

  init(_ worldSize: Int) { entries = Mutex(Array(repeating: nil, count: worldSize)) }

  func set(_ rank: Int, _ endpoint: Endpoint) { entries.withLock { $0[rank] = endpoint } }

  var all: [Endpoint] { entries.withLock { $0.map { $0! } } }
}

let soon = Duration.seconds(20)

func place(_ step: UInt64, _ sequence: UInt32 = 0) -> ExchangePlace {
  ExchangePlace(step: StepNumber(rawValue: step), sequence: sequence)
}

@Test("everyone sends two pieces to everyone, many steps", arguments: Joint.allCases, [2, 3, 5])
func everyoneToEveryone(joint: Joint, worldSize: Int) throws {
  let steps = 40
  let piece = 24
  let results = try onRanks(worldSize, over: joint) { rank, communicator in
    // Memory: own two pieces, then two from every rank.
    let peers = (0..<worldSize).filter { $0 != rank }
    let plan = ExchangePlan(
      sends: peers.flatMap {
        [
          Transfer(peer: $0, byteOffset: piece, byteCount: piece),
          Transfer(peer: $0, byteOffset: 0, byteCount: piece),
        ]
      },
      receives: peers.flatMap {
        [
          Transfer(peer: $0, byteOffset: (2 + 2 * $0) * piece, byteCount: piece),
          Transfer(peer: $0, byteOffset: (3 + 2 * $0) * piece, byteCount: piece),
        ]
      })
    var memory = [UInt8](repeating: 0, count: (2 + 2 * worldSize) * piece)
    for step in 0..<steps {
      for index in 0..<(2 * piece) { memory[index] = UInt8(truncatingIfNeeded: rank * 50 + index + step) }
      var span = memory.mutableSpan
      var bytes = span.frameBytes
      try communicator.exchange(
        plan, at: place(UInt64(step)), memory: &bytes, deadline: .after(soon))
      for peer in peers {
        for index in 0..<piece {
          let second = UInt8(truncatingIfNeeded: peer * 50 + piece + index + step)
          let first = UInt8(truncatingIfNeeded: peer * 50 + index + step)
          #expect(memory[(2 + 2 * peer) * piece + index] == second)
          #expect(memory[(3 + 2 * peer) * piece + index] == first)
        }
      }
    }
    let traffic = communicator.link.traffic
    #expect(traffic.totalSent.payloadBytes == steps * plan.payloadBytesSent)
    #expect(traffic.totalReceived.payloadBytes == steps * plan.payloadBytesReceived)
    #expect(traffic.totalSent.frames == steps * (worldSize - 1))
    #expect(communicator.duplicateFramesDropped == 0)
    return 0
  }
  for result in results { _ = try result.get() }
}
