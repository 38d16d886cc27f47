import Collectives
import Foundation
import Synchronization
import Testing
import Topology
import Transport
import Wire

/// One rank of a process test: an exit test's process, joined to the others in `directory`.
private func rankProcess(
  _ rank: Int, of worldSize: Int, over transport: String, in directory: String,
  _ body: (inout Communicator) throws -> Void
) throws {
  let epoch = Epoch(rawValue: 1)
  if transport == "shm" {
    let link = try SharedMemoryLink(rank: rank, worldSize: worldSize, epoch: epoch)
    try link.connect(try meet(rank, of: worldSize, in: directory, link.endpoint))
    var communicator = Communicator(link: link)
    return try body(&communicator)
  }
  var options = SocketOptions()
  // Last frames may still be under way when a rank ends.
  options.lingerMilliseconds = 5000
  let link = try ZMQLink(
    try ZMQContext(), rank: rank, worldSize: worldSize, endpoint: .ipc(path: "\(directory)/data-r\(rank)"),
    epoch: epoch, options: options)
  try link.connect((0..<worldSize).map { .ipc(path: "\(directory)/data-r\($0)") })
  var communicator = Communicator(link: link)
  try body(&communicator)
}

/// Tells the other ranks' processes, by a file, where this one is, and waits for theirs.
private func meet(_ rank: Int, of worldSize: Int, in directory: String, _ endpoint: Endpoint) throws
  -> [Endpoint]
{
  try Data(endpoint.description.utf8).write(
    to: URL(fileURLWithPath: "\(directory)/at-r\(rank)"), options: .atomic)
  let deadline = Deadline.after(soon)
  return try (0..<worldSize).map { peer in
    while !deadline.hasPassed {
      if let data = FileManager.default.contents(atPath: "\(directory)/at-r\(peer)") {
        return try Endpoint(String(decoding: data, as: UTF8.self))
      }
      usleep(1000)
    }
    throw TransportError(.deadlineExceeded, "rank \(peer) did not come")
  }
}

/// Twenty all-reduces and one barrier; ends the process with an error when a bit is wrong.
private func reduceManyTimes(_ communicator: inout Communicator) throws {
  let worldSize = communicator.worldSize
  let rank = communicator.rank
  let tree = CanonicalTree(leafCount: 16)
  let ranges = LeafSplit(count: 16, parts: worldSize).ranges
  let group = RankGroup(ranks: Array(0..<worldSize))
  for step in 1...20 {
    let rowElements = 100 * step
    let leaves = makeLeaves(16, rowElements)
    let plan = AllReducePlan(
      tree: tree, ranges: ranges, group: group, index: rank, rowElements: rowElements,
      algorithm: step % 2 == 0 ? .direct : .scattered)
    var memory = [Float](repeating: 0, count: plan.rootCount * rowElements)
    for (row, root) in zip(plan.ownRows, ReferenceCollectives.roots(tree, of: ranges[rank], leaves)) {
      memory.replaceSubrange(row * rowElements..<(row + 1) * rowElements, with: root)
    }
    var span = memory.mutableSpan
    try communicator.allReduce(
      plan, step: StepNumber(rawValue: UInt64(step)), sequence: 0, memory: &span, deadline: .after(soon))
    let expected = ReferenceCollectives.canonicalSum(leaves)
    precondition(
      memory.prefix(rowElements).elementsEqual(expected) { $0.bitPattern == $1.bitPattern }, "step \(step)")
  }
  var none: [UInt8] = []
  var span = none.mutableSpan
  var bytes = span.frameBytes
  try communicator.move(
    .barrier(group: group, index: rank), step: StepNumber(rawValue: 21), sequence: 0, memory: &bytes,
    deadline: .after(soon))
}

@Test("ranks as processes: three of them reduce, with equal bits", arguments: ["ipc", "shm"])
func processes(transport: String) async throws {
  let directory = try RunDirectory()
  let path = directory.path
  async let zero = #expect(processExitsWith: .success) {
    [path = path as String, over = transport as String] in
    try rankProcess(0, of: 3, over: over, in: path, reduceManyTimes)
  }
  async let one = #expect(processExitsWith: .success) { [path = path as String, over = transport as String] in
    try rankProcess(1, of: 3, over: over, in: path, reduceManyTimes)
  }
  async let two = #expect(processExitsWith: .success) { [path = path as String, over = transport as String] in
    try rankProcess(2, of: 3, over: over, in: path, reduceManyTimes)
  }
  _ = await (zero, one, two)
  withExtendedLifetime(directory) {}
}

@Test("a killed rank is named by the others when the deadline passes", arguments: ["ipc", "shm"])
func killedProcess(transport: String) async throws {
  let directory = try RunDirectory()
  let path = directory.path
  async let killed = #expect(processExitsWith: .signal(SIGKILL)) {
    [path = path as String, over = transport as String] in
    try rankProcess(1, of: 2, over: over, in: path) { communicator in
      try exchangeOnce(&communicator, step: 1, milliseconds: 20_000)
      // Only to be told that rank 0 has come this far.
      try exchangeOnce(&communicator, step: 2, milliseconds: 20_000, sending: false)
      kill(getpid(), SIGKILL)
    }
  }
  async let left = #expect(processExitsWith: .exitCode(77)) {
    [path = path as String, over = transport as String] in
    do {
      try rankProcess(0, of: 2, over: over, in: path) { communicator in
        try exchangeOnce(&communicator, step: 1, milliseconds: 20_000)
        try exchangeOnce(&communicator, step: 2, milliseconds: 20_000, receiving: false)
        try exchangeOnce(&communicator, step: 3, milliseconds: 50)
      }
    } catch let error as CollectiveError {
      // Here the link is closed: what it had still to send has left.
      exit(error.code == .deadlineExceeded && error.missing == [1] && error.place.step.rawValue == 3 ? 77 : 1)
    }
  }
  _ = await (killed, left)
  withExtendedLifetime(directory) {}
}

private func exchangeOnce(
  _ communicator: inout Communicator, step: UInt64, milliseconds: Int, sending: Bool = true,
  receiving: Bool = true
) throws {
  let peer = 1 - communicator.rank
  let plan = ExchangePlan(
    sends: sending ? [Transfer(peer: peer, byteOffset: 0, byteCount: 8)] : [],
    receives: receiving ? [Transfer(peer: peer, byteOffset: 8, byteCount: 8)] : [])
  var memory = [UInt8](repeating: 1, count: 16)
  var span = memory.mutableSpan
  var bytes = span.frameBytes
  try communicator.exchange(
    plan, at: place(step), memory: &bytes, deadline: .after(milliseconds: milliseconds))
}
