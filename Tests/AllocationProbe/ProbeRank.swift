internal import Collectives
internal import Compute
internal import Foundation
internal import Models
internal import Parsing
internal import Synchronization
internal import TestSupport
internal import Topology
internal import Transport
internal import Wire
internal import WorkerRuntime

/// Endpoints by rank, filled in by the ranks' threads.
final class AddressBook: Sendable {
  private let entries: Mutex<[Endpoint?]>

  init(_ worldSize: Int) { entries = Mutex(Array(repeating: nil, count: worldSize)) }

  func set(_ rank: Int, _ endpoint: Endpoint) { entries.withLock { $0[rank] = endpoint } }

  var all: [Endpoint] { entries.withLock { $0.compactMap { $0 } } }
}

/// One rank as a thread: what a worker's process does between plans and results, without its start and its end.
struct ProbeRank: Sendable {
  let settings: WorkerSettings
  let recordsTimes: Bool
  let control: Endpoint
  let data: Endpoint
  let context: ZMQContext
  let book: AddressBook
  let barrier: ThreadBarrier

  func serve() throws {
    let epoch = Epoch(rawValue: 1)
    let kernels = KernelTable(.best)
    let loaded = try ModelLoading.load(settings, kernels: kernels) { _, _ in true }
    let link = try Links.make(
      context, rank: settings.rank, worldSize: settings.mesh.worldSize, endpoint: data, epoch: epoch)
    book.set(settings.rank, link.endpoint)
    barrier.wait()
    try link.connect(book.all)
    let team = try ThreadTeam(count: settings.threads, rank: settings.rank, spinLimit: 0)
    let runner = StepRunner(
      program: loaded.program, memory: loaded.memory, executor: StepExecutor(team: team, kernels: kernels),
      communicator: Communicator(link: link), collectiveDeadline: .seconds(30),
      dispatch: settings.expertDispatch)
    // Fewer than are run, so that the ring goes round.
    if recordsTimes { runner.recordTimes(steps: 16) }
    let client = try ControlClient(
      context, endpoint: control,
      name: WorkerName(rank: UInt32(settings.rank), epoch: epoch, incarnation: 0))
    link.interruptSource = client
    try client.send(ControlMessage(kind: .hello, epoch: epoch), deadline: .after(.seconds(5)))
    var message = ControlMessage(kind: .hello, epoch: epoch)
    var plan = StepPlan(epoch: epoch, step: StepNumber(rawValue: 0), groups: [])
    var writer = ByteWriter(reserving: 4096)
    while try client.receive(into: &message, deadline: .after(.seconds(60))) {
      var reader = ByteReader(message.payload.span)
      try plan.read(from: &reader)
      defer { runner.timeline?.close() }
      guard let result = try runner.run(plan) else { continue }
      writer.removeAll()
      result.write(to: &writer)
      try client.send(
        ControlMessage(kind: .stepResult, epoch: epoch, step: plan.step, payload: writer.bytes),
        deadline: .after(.seconds(5)))
    }
  }
}
