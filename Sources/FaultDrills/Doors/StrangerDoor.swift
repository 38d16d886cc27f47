internal import Foundation
internal import Synchronization
internal import Transport
internal import Wire

/// Somebody who knocks at the coordinator while a run goes on: a worker of another build, or one without a key.
final class StrangerDoor: Sendable {
  /// What it heard, and when; the monotonic clock, nanoseconds.
  private let heard = Mutex<(text: String, at: UInt64)?>(nil)

  /// Comes as a further start of `rank`, of a build that is not this one.
  static func otherBuild(_ control: String, rank: Int) -> StrangerDoor {
    let door = StrangerDoor()
    door.start { try door.greet(control, rank, security: .localOnly, build: "0.0.0-other") }
    return door
  }

  /// Comes over TCP with keys that nobody gave it.
  static func withoutKey(_ control: String, rank: Int) -> StrangerDoor {
    let door = StrangerDoor()
    door.start {
      try door.greet(control, rank, security: .encrypted(try CurveKeys.generate()), build: "0.0.0-other")
    }
    return door
  }

  /// What the coordinator told it; nil while nothing came.
  var answer: (text: String, at: UInt64)? { heard.withLock { $0 } }

  private func start(_ body: @escaping @Sendable () throws -> Void) {
    let thread = Thread { try? body() }
    thread.name = "stranger"
    thread.start()
  }

  private func greet(_ control: String, _ rank: Int, security: NetworkSecurity, build: String) throws {
    let context = try ZMQContext(security: security)
    let name = WorkerName(rank: UInt32(rank), epoch: Epoch(rawValue: 1), incarnation: Self.incarnation)
    let client = try ControlClient(context, endpoint: try Endpoint(control), name: name)
    let hello = Hello(
      buildID: build, rank: UInt32(rank), incarnation: Self.incarnation, processID: 0, hostName: "stranger",
      cpuFeatures: "", numThreads: 1)
    let message = ControlMessage(kind: .hello, epoch: Epoch(rawValue: 1), payload: hello.encoded())
    try client.send(message, deadline: .after(.seconds(2)))
    guard let answer = try client.receive(deadline: .after(.seconds(2))) else { return }
    let text = "\(answer.kind): \(String(decoding: answer.payload.prefix(512), as: UTF8.self))"
    heard.withLock { $0 = (text, Deadline.now) }
  }

  private static let incarnation: UInt32 = 77
}
