import Collectives
import Synchronization
import TestSupport
import Transport
import Wire

/// How the ranks of a test are joined.
enum Joint: String, CaseIterable, Sendable {
  case loopback, ipc, tcp, shm
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
  case .ipc, .tcp, .shm:
    let directory = try RunDirectory()
    let book = AddressBook(worldSize)
    return RankHarness.run(worldSize) { rank in
      let context = try ZMQContext(security: .encrypted(try CurveKeys.generate()))
      let place: Endpoint =
        switch joint {
        case .tcp: .tcp(host: "127.0.0.1", port: 0)
        case .shm: .sharedMemory(processID: 0, descriptor: 0)
        default: directory.endpoint("data-r\(rank)")
        }
      let link = try Links.make(context, rank: rank, worldSize: worldSize, endpoint: place, epoch: epoch)
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
