extension HostLayout {
  /// The CPUs of one of several workers that share this host, one for each of its threads; empty when there are not
  /// enough for everybody, and no thread should be bound then.
  ///
  /// Workers are spread over the NUMA nodes in order: as many as nodes get one each, fewer get several nodes, more
  /// share a node. No two get the same CPU, none gets a part of a core before there is no whole one left, and none is
  /// torn between nodes unless its threads are more than its share of them.
  package func cpus(ofSeat seat: Int, of seats: Int, threads: Int) -> [Int] {
    precondition(
      seats > 0 && threads > 0 && (0..<seats).contains(seat), "seat \(seat) of \(seats), \(threads) threads")
    let nodes = allowedCPUsByNode.map(coresTogether)
    let all = nodes.flatMap { $0 }
    guard threads * seats <= all.count else { return [] }
    let shares = Self.shares(of: nodes, seats: seats)
    // Where nodes are uneven a share may be too small for its threads: then all are cut anew, whatever their nodes.
    let isEnough = shares.allSatisfy { $0.count >= threads }
    let share =
      isEnough ? shares[seat] : Array(all[seat * all.count / seats..<(seat + 1) * all.count / seats])
    return Array(wholeCoresFirst(share).prefix(threads))
  }

  private static func shares(of nodes: [[Int]], seats: Int) -> [[Int]] {
    if seats <= nodes.count {
      return (0..<seats).map { seat in
        Array(nodes[seat * nodes.count / seats..<(seat + 1) * nodes.count / seats].joined())
      }
    }
    let nodeOfSeat = (0..<seats).map { $0 * nodes.count / seats }
    return (0..<seats).map { seat in
      let node = nodes[nodeOfSeat[seat]]
      let neighbours = nodeOfSeat.indices.filter { nodeOfSeat[$0] == nodeOfSeat[seat] }
      let place = seat - neighbours[0]
      return Array(node[place * node.count / neighbours.count..<(place + 1) * node.count / neighbours.count])
    }
  }

  /// Threads of one core side by side, so that cutting the list seldom cuts a core.
  private func coresTogether(_ cpus: [Int]) -> [Int] {
    cpus.sorted { (firstOfCore[$0] ?? $0, $0) < (firstOfCore[$1] ?? $1, $1) }
  }

  /// One thread of each core, then the others.
  private func wholeCoresFirst(_ cpus: [Int]) -> [Int] {
    var seen: Set<Int> = []
    let (first, others) = cpus.reduce(into: (first: [Int](), others: [Int]())) { parts, cpu in
      if seen.insert(firstOfCore[cpu] ?? cpu).inserted {
        parts.first.append(cpu)
      } else {
        parts.others.append(cpu)
      }
    }
    return first + others
  }
}
