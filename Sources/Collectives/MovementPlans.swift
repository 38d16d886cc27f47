package import Topology

/// One rank's part in an operation that only moves bytes: rounds of exchanges.
package struct MovementPlan: Sendable, Hashable {
  package let operation: CollectiveOperation
  /// World rank of this member.
  package let rank: Int
  package let rounds: [ExchangePlan]
  /// Bytes of memory that the plan reaches.
  package let memoryBytes: Int

  init(_ operation: CollectiveOperation, rank: Int, rounds: [ExchangePlan]) {
    self.operation = operation
    self.rank = rank
    self.rounds = rounds
    memoryBytes = rounds.reduce(0) { max($0, $1.memoryBytes) }
  }

  /// What this rank sends.
  package var cost: CollectiveCost { rounds.reduce(CollectiveCost()) { $0 + $1.cost(of: rank) } }
}

extension MovementPlan {
  /// Every member's bytes to every member.
  ///
  /// Memory holds the members' parts in order, `byteCounts[i]` each, with the own part filled in before. One round,
  /// `(p - 1)` messages, `(p - 1) * own` bytes. A member without bytes sends nothing.
  package static func allGather(group: RankGroup, index: Int, byteCounts: [Int], byteOffset: Int = 0)
    -> MovementPlan
  {
    precondition(byteCounts.count == group.size, "\(byteCounts.count) sizes for \(group.size) members")
    let starts = offsets(byteCounts, from: byteOffset)
    func part(_ member: Int, peer: Int) -> [Transfer] {
      byteCounts[member] == 0
        ? [] : [Transfer(peer: peer, byteOffset: starts[member], byteCount: byteCounts[member])]
    }
    let others = (0..<group.size).filter { $0 != index }
    let plan = ExchangePlan(
      sends: others.flatMap { part(index, peer: group.ranks[$0]) },
      receives: others.flatMap { part($0, peer: group.ranks[$0]) })
    return MovementPlan(.allGather, rank: group.ranks[index], rounds: [plan])
  }

  /// From each member to each: `byteCounts[i][j]` bytes go from member i to member j.
  ///
  /// The memory from `sendOffset` on holds what this member sends, ordered by destination; what it receives comes from
  /// `receiveOffset` on, ordered by source. The own part is copied. One round, at most `(p - 1)` messages.
  package static func allToAll(
    group: RankGroup, index: Int, byteCounts: [[Int]], sendOffset: Int, receiveOffset: Int
  ) -> MovementPlan {
    precondition(
      byteCounts.count == group.size && byteCounts.allSatisfy { $0.count == group.size },
      "an all-to-all of \(group.size) members needs \(group.size) x \(group.size) sizes")
    let incoming = byteCounts.map { $0[index] }
    let sendStarts = offsets(byteCounts[index], from: sendOffset)
    let receiveStarts = offsets(incoming, from: receiveOffset)
    func transfers(_ counts: [Int], _ starts: [Int]) -> [Transfer] {
      group.ranks.indices.filter { counts[$0] > 0 }.map {
        Transfer(peer: group.ranks[$0], byteOffset: starts[$0], byteCount: counts[$0])
      }
    }
    let plan = ExchangePlan(
      sends: transfers(byteCounts[index], sendStarts), receives: transfers(incoming, receiveStarts))
    return MovementPlan(.allToAll, rank: group.ranks[index], rounds: [plan])
  }

  /// The bytes of member `root` to every member: one round, `(p - 1)` messages from the root.
  package static func broadcast(
    group: RankGroup, index: Int, root: Int, byteCount: Int, byteOffset: Int = 0
  ) -> MovementPlan {
    precondition(root >= 0 && root < group.size, "root \(root) of \(group.size) members")
    func whole(_ peer: Int) -> Transfer {
      Transfer(peer: group.ranks[peer], byteOffset: byteOffset, byteCount: byteCount)
    }
    let plan =
      index == root
      ? ExchangePlan(sends: (0..<group.size).filter { $0 != root }.map(whole), receives: [])
      : ExchangePlan(sends: [], receives: [whole(root)])
    return MovementPlan(.broadcast, rank: group.ranks[index], rounds: [plan])
  }

  /// Nobody leaves before everybody has come: the dissemination barrier (Hensgen, Finkel and Manber 1988).
  ///
  /// ceil(log2 p) rounds of one empty frame: in round k member i tells `i + 2^k` and hears from `i - 2^k`.
  package static func barrier(group: RankGroup, index: Int) -> MovementPlan {
    var rounds: [ExchangePlan] = []
    var distance = 1
    while distance < group.size {
      let next = group.ranks[(index + distance) % group.size]
      let previous = group.ranks[(index - distance + group.size) % group.size]
      rounds.append(
        ExchangePlan(
          sends: [Transfer(peer: next, byteOffset: 0, byteCount: 0)],
          receives: [Transfer(peer: previous, byteOffset: 0, byteCount: 0)]))
      distance *= 2
    }
    return MovementPlan(.barrier, rank: group.ranks[index], rounds: rounds)
  }

  /// Where parts of these sizes start when they lie one after the other.
  private static func offsets(_ byteCounts: [Int], from first: Int) -> [Int] {
    var next = first
    return byteCounts.map { count in
      defer { next += count }
      return next
    }
  }
}
