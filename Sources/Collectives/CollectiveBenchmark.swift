internal import Parsing
internal import Topology
internal import Transport
internal import Wire

/// Measures collectives between ranks that are processes of this executable.
///
/// `run` starts the ranks by calling `/proc/self/exe bench-rank ...`; the executable hands those arguments to
/// `rankMain`. Every size is verified on every rank, against the reference, before it is timed.
package enum CollectiveBenchmark {
  /// The hidden subcommand that `run` starts ranks with.
  package static let rankCommand = "bench-rank"

  package enum Transport: String, Sendable, Hashable, CaseIterable {
    case ipc
    case tcp
    case shm
  }

  /// One line of the result.
  package struct Row: Sendable, Hashable {
    package var operation: CollectiveOperation
    package var ranks: Int
    package var bytes: Int
    package var transport: Transport
    /// TCP with CURVE.
    package var isEncrypted: Bool
    /// Of rank 0's iterations, one right after the other.
    package var medianMicroseconds: Double
    package var p99Microseconds: Double
    /// All ranks' results were right.
    package var verified: Bool
  }

  /// A measurement that could not be made.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    package var description: String
  }

  /// The operations that can be measured.
  package static let operations: [CollectiveOperation] = [.allReduce, .reduceScatter, .allGather, .allToAll]

  /// Measures `operation` for every size.
  ///
  /// `bytes` is the f32 row of an all-reduce or reduce-scatter, the gathered whole of an all-gather, and what one rank
  /// sends (its own part included) in an all-to-all. `algorithm` is that of an all-reduce; nil lets the cost model
  /// choose. `isInsecure` leaves TCP plain.
  /// `linkConditions`: what the links are like, as `LinkConditions` reads it; they must lose nothing.
  /// `base`: where the directory of the ranks' sockets is made; nil for the default.
  ///
  /// - Throws: `Failure` in one sentence when a rank cannot be started, fails or stays silent for 20 s.
  package static func run(
    operation: CollectiveOperation, ranks: Int, bytes: [Int], transport: Transport, isInsecure: Bool = false,
    linkConditions: String = "", algorithm: AllReducePlan.Algorithm? = nil, iterations: Int,
    base: String? = nil
  ) throws(Failure) -> [Row] {
    guard operations.contains(operation) else {
      throw Failure(
        description: "operation \(operation.rawValue) cannot be measured: use "
          + operations.map(\.rawValue).joined(separator: ", "))
    }
    guard (1...64).contains(ranks) else {
      throw Failure(description: "ranks is \(ranks), it must be 1 to 64")
    }
    if !linkConditions.isEmpty {
      do throws(LinkConditionsError) {
        let conditions = try LinkConditions(linkConditions, worldSize: ranks)
        guard conditions.isShapingOnly else {
          throw LinkConditionsError(
            description:
              "--link-conditions loses or breaks frames; a measurement takes delay, jitter and rate only.")
        }
      } catch {
        throw Failure(description: error.description)
      }
    }
    guard (1...1_000_000).contains(iterations) else {
      throw Failure(description: "iterations is \(iterations), it must be 1 to 1000000")
    }
    if let wrong = bytes.first(where: { $0 < 4 || $0 > 64 << 20 || $0 % 4 != 0 }) {
      throw Failure(description: "bytes is \(wrong), it must be a multiple of 4 from 4 to 67108864")
    }
    do throws(TransportError) {
      let host = try BenchmarkHost(
        ranks: ranks, transport: transport, isInsecure: isInsecure, linkConditions: linkConditions,
        base: base)
      var rows: [Row] = []
      for size in bytes {
        let (samples, verified) = try host.measure(
          BenchmarkTask(operation: operation, bytes: size, iterations: iterations, algorithm: algorithm))
        let sorted = samples.sorted()
        rows.append(
          Row(
            operation: operation, ranks: ranks, bytes: size, transport: transport,
            isEncrypted: transport == .tcp && !isInsecure,
            medianMicroseconds: sorted[sorted.count / 2],
            p99Microseconds: sorted[min(sorted.count - 1, sorted.count * 99 / 100)], verified: verified))
      }
      return rows
    } catch {
      throw Failure(description: error.message)
    }
  }
}

/// What a rank is asked to measure, as a message body.
struct BenchmarkTask: Sendable, Hashable {
  var operation: CollectiveOperation
  var bytes: Int
  var iterations: Int
  /// Of an all-reduce; nil lets the cost model of the link choose.
  var algorithm: AllReducePlan.Algorithm?

  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.lengthPrefixedString(operation.rawValue)
    writer.u64(UInt64(bytes))
    writer.u64(UInt64(iterations))
    writer.lengthPrefixedString(algorithm?.rawValue ?? "")
    return writer.bytes
  }

  init(
    operation: CollectiveOperation, bytes: Int, iterations: Int, algorithm: AllReducePlan.Algorithm? = nil
  ) {
    self.operation = operation
    self.bytes = bytes
    self.iterations = iterations
    self.algorithm = algorithm
  }

  init?(_ payload: [UInt8]) {
    var reader = ByteReader(payload.span)
    guard let name = try? reader.lengthPrefixedString(atMost: 64),
      let operation = CollectiveOperation(rawValue: name),
      let bytes = try? reader.u64(), let iterations = try? reader.u64(), bytes <= 64 << 20,
      iterations <= 1_000_000, let algorithm = try? reader.lengthPrefixedString(atMost: 64)
    else { return nil }
    self.init(
      operation: operation, bytes: Int(bytes), iterations: Int(iterations),
      algorithm: AllReducePlan.Algorithm(rawValue: algorithm))
  }
}

/// The measuring side: starts the ranks, hands out addresses and tasks, collects samples.
private final class BenchmarkHost {
  private let epoch = Epoch(rawValue: 1)
  private let directory: RunDirectory
  private let server: ControlServer
  private let children: [ChildProcess]
  private let ranks: Int

  init(
    ranks: Int, transport: CollectiveBenchmark.Transport, isInsecure: Bool, linkConditions: String,
    base: String?
  ) throws(TransportError) {
    self.ranks = ranks
    directory = try RunDirectory(base: base)
    let context = try ZMQContext()
    server = try ControlServer(context, endpoint: directory.endpoint("control"))
    var children: [ChildProcess] = []
    for rank in 0..<ranks {
      let data =
        switch transport {
        case .ipc: directory.endpoint("data-r\(rank)").description
        case .tcp: "tcp://127.0.0.1:*"
        case .shm: "shm://*"
        }
      children.append(
        try ChildProcess(
          arguments: [
            CollectiveBenchmark.rankCommand, server.endpoint.description, "\(rank)", "\(ranks)", data,
            isInsecure ? "insecure" : "encrypted", linkConditions,
          ]))
    }
    self.children = children
    let hellos = try collect(.hello)
    var book = ByteWriter()
    for hello in hellos { book.lengthPrefixedBytes(hello) }
    try tell(ControlMessage(kind: .addressBook, epoch: epoch, payload: book.bytes))
  }

  deinit {
    // Best effort: a rank that does not hear it is killed by its owner.
    try? tell(ControlMessage(kind: .shutdown, epoch: epoch))
  }

  func measure(_ task: BenchmarkTask) throws(TransportError) -> (microseconds: [Double], verified: Bool) {
    try tell(ControlMessage(kind: .inquiry, epoch: epoch, payload: task.encoded))
    var verified = true
    var samples: [Double] = []
    for (rank, answer) in try collect(.answer).enumerated() {
      var reader = ByteReader(answer.span)
      guard let ok = try? reader.bool() else { throw silent("rank \(rank) gave no readable answer") }
      verified = verified && ok
      while rank == 0, let sample = try? reader.f64() { samples.append(sample) }
    }
    guard !samples.isEmpty else { throw silent("rank 0 gave no samples") }
    return (samples, verified)
  }

  private func tell(_ message: ControlMessage) throws(TransportError) {
    for rank in 0..<ranks { try server.send(message, to: name(rank)) }
  }

  /// One message of that kind from every rank, by rank.
  private func collect(_ kind: MessageKind) throws(TransportError) -> [[UInt8]] {
    var bodies: [[UInt8]?] = Array(repeating: nil, count: ranks)
    var deadline = Deadline.after(.seconds(20))
    while bodies.contains(nil) {
      while let event = try server.receive() {
        switch event {
        case .malformed(let error, _): throw error
        case .message(let message, let worker):
          guard message.kind == kind else {
            throw silent("rank \(worker.rank): \(String(decoding: message.payload, as: UTF8.self))")
          }
          if Int(worker.rank) < ranks { bodies[Int(worker.rank)] = message.payload }
          deadline = .after(.seconds(20))
        }
      }
      guard bodies.contains(nil) else { break }
      for (rank, child) in children.enumerated() where bodies[rank] == nil {
        if let code = child.exitCode { throw silent("the process of rank \(rank) ended with code \(code)") }
      }
      guard !deadline.hasPassed else { throw silent("a rank stayed silent for 20 s") }
      _ = try server.wait(until: min(deadline, .after(milliseconds: 100)))
    }
    return bodies.map { $0 ?? [] }
  }

  private func name(_ rank: Int) -> WorkerName {
    WorkerName(rank: UInt32(rank), epoch: epoch, incarnation: 0)
  }

  private func silent(_ text: String) -> TransportError { TransportError(.unreachablePeer, text) }
}
