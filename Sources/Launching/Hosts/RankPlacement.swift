/// Which host each rank runs on.
package struct RankPlacement: Sendable, Hashable {
  package let hosts: [LaunchHost]
  /// Index into `hosts`, by rank.
  package private(set) var hostOfRank: [Int]

  /// Fills the hosts in order, keeping each `groupSize` consecutive ranks on one host where one has room: they exchange
  /// the most.
  ///
  /// - Throws: `LaunchError` when there are fewer slots than ranks.
  package init(worldSize: Int, groupSize: Int, hosts: [LaunchHost]) throws(LaunchError) {
    precondition(worldSize > 0 && groupSize > 0, "\(worldSize) ranks in groups of \(groupSize)")
    let slots = hosts.reduce(0) { $0 + $1.slots }
    guard slots >= worldSize else {
      throw LaunchError(
        "the mesh has \(worldSize) ranks and the hosts have \(slots) slots; name more hosts or raise slots=")
    }
    self.hosts = hosts
    var free = hosts.map(\.slots)
    var placed = Array(repeating: -1, count: worldSize)
    let groups = stride(from: 0, to: worldSize, by: groupSize).map { $0..<min($0 + groupSize, worldSize) }
    // Groups that fit come first, so that a group that must be torn does not take the room of one that need not.
    for group in groups {
      guard let host = free.firstIndex(where: { $0 >= group.count }) else { continue }
      free[host] -= group.count
      for rank in group { placed[rank] = host }
    }
    var next = 0
    for rank in 0..<worldSize where placed[rank] < 0 {
      while free[next] == 0 { next += 1 }
      free[next] -= 1
      placed[rank] = next
    }
    hostOfRank = placed
  }

  /// Everything on this host.
  package static func local(worldSize: Int) -> RankPlacement {
    RankPlacement(hosts: [LaunchHost("localhost")], hostOfRank: Array(repeating: 0, count: worldSize))
  }

  private init(hosts: [LaunchHost], hostOfRank: [Int]) {
    self.hosts = hosts
    self.hostOfRank = hostOfRank
  }

  /// The placement with one rank on another host, the first that has a slot free and is not among `avoided`; nil when
  /// there is none.
  package func moving(_ rank: Int, avoiding avoided: Set<Int>) -> RankPlacement? {
    guard
      let spare = hosts.indices.first(where: { host in
        !avoided.contains(host) && host != hostOfRank[rank] && ranks(on: host).count < hosts[host].slots
      })
    else { return nil }
    var moved = self
    moved.hostOfRank[rank] = spare
    return moved
  }

  package func host(of rank: Int) -> LaunchHost { hosts[hostOfRank[rank]] }

  /// Ranks of one host, ascending.
  package func ranks(on host: Int) -> [Int] { hostOfRank.indices.filter { hostOfRank[$0] == host } }

  /// The rank's number among those of its host, and how many there are.
  package func seat(of rank: Int) -> (index: Int, count: Int) {
    let neighbours = ranks(on: hostOfRank[rank])
    return (neighbours.firstIndex(of: rank) ?? 0, neighbours.count)
  }

  /// The groups of `groupSize` consecutive ranks that lie on more than one host.
  package func tornGroups(of groupSize: Int) -> [Range<Int>] {
    stride(from: 0, to: hostOfRank.count, by: groupSize).map { $0..<min($0 + groupSize, hostOfRank.count) }
      .filter { Set(hostOfRank[$0]).count > 1 }
  }
}
