import Collectives
import Synchronization
import TestSupport
import Testing
import Topology
import Transport
import Wire

private func bytes(_ from: Int, _ to: Int, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: from * 31 + to * 7 + $0) }
}

private let step = StepNumber(rawValue: 2)

@Test("an all-gather of uneven parts", arguments: 1...9)
func allGather(worldSize: Int) throws {
  // Members in reverse order: positions in the group are not ranks.
  let group = RankGroup(ranks: Array((0..<worldSize).reversed()))
  let counts = (0..<worldSize).map { $0 == 1 ? 0 : 5 + 11 * $0 }
  let parts = (0..<worldSize).map { bytes($0, 0, counts[$0]) }
  let results = try onRanks(worldSize, over: .loopback) { rank, communicator in
    let index = try #require(group.index(of: rank))
    let plan = MovementPlan.allGather(group: group, index: index, byteCounts: counts)
    var memory = [UInt8](repeating: 0xEE, count: counts.reduce(0, +))
    memory.replaceSubrange(
      counts[..<index].reduce(0, +)..<counts[...index].reduce(0, +), with: parts[index])
    var span = memory.mutableSpan
    var raw = span.frameBytes
    try communicator.move(plan, step: step, sequence: 1, memory: &raw, deadline: .after(soon))
    #expect(communicator.link.traffic.totalSent.payloadBytes == (worldSize - 1) * counts[index])
    return memory
  }
  for result in results { #expect(try result.get() == ReferenceCollectives.allGather(parts)) }
}

@Test("an all-to-all of uneven parts, the own one included", arguments: 1...9)
func allToAll(worldSize: Int) throws {
  let group = RankGroup(ranks: Array(0..<worldSize))
  let counts = (0..<worldSize).map { from in (0..<worldSize).map { to in (from * 5 + to * 3) % 4 * 9 } }
  let parts = (0..<worldSize).map { from in (0..<worldSize).map { bytes(from, $0, counts[from][$0]) } }
  let results = try onRanks(worldSize, over: .loopback) { rank, communicator in
    let sent = counts[rank].reduce(0, +)
    let received = counts.reduce(0) { $0 + $1[rank] }
    let plan = MovementPlan.allToAll(
      group: group, index: rank, byteCounts: counts, sendOffset: 0, receiveOffset: sent)
    var memory = parts[rank].flatMap { $0 } + [UInt8](repeating: 0xEE, count: received)
    var span = memory.mutableSpan
    var raw = span.frameBytes
    try communicator.move(plan, step: step, sequence: 1, memory: &raw, deadline: .after(soon))
    let traffic = communicator.link.traffic
    #expect(traffic.totalSent.payloadBytes == sent - counts[rank][rank])
    #expect(traffic.totalReceived.payloadBytes == received - counts[rank][rank])
    return Array(memory[sent...])
  }
  for (rank, result) in results.enumerated() {
    #expect(try result.get() == ReferenceCollectives.allToAll(parts, index: rank))
  }
}

@Test("a broadcast from every root", arguments: 1...5)
func broadcast(worldSize: Int) throws {
  let group = RankGroup(ranks: Array(0..<worldSize))
  let results = try onRanks(worldSize, over: .loopback) { rank, communicator in
    for root in 0..<worldSize {
      let plan = MovementPlan.broadcast(group: group, index: rank, root: root, byteCount: 77)
      var memory = rank == root ? bytes(root, 0, 77) : [UInt8](repeating: 0, count: 77)
      var span = memory.mutableSpan
      var raw = span.frameBytes
      try communicator.move(plan, step: step, sequence: UInt32(root), memory: &raw, deadline: .after(soon))
      #expect(memory == bytes(root, 0, 77))
    }
  }
  for result in results { try result.get() }
}

@Test("nobody leaves a barrier before everybody has come", arguments: 1...9)
func barrier(worldSize: Int) throws {
  let group = RankGroup(ranks: Array(0..<worldSize))
  let arrived = Mutex(0)
  let results = try onRanks(worldSize, over: .loopback) { rank, communicator in
    var memory: [UInt8] = [0]
    for turn in 1...20 {
      arrived.withLock { $0 += 1 }
      let plan = MovementPlan.barrier(group: group, index: rank)
      var span = memory.mutableSpan
      var raw = span.frameBytes
      try communicator.move(plan, step: step, sequence: UInt32(turn), memory: &raw, deadline: .after(soon))
      #expect(arrived.withLock { $0 } >= turn * worldSize)
    }
  }
  for result in results { try result.get() }
}
