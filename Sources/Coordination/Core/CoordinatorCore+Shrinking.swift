internal import Scheduling
internal import Topology
internal import Wire

/// Going on with fewer ranks: all processes end, the ranks of the smaller mesh are started in a new epoch, and every
/// unfinished sequence is computed again there from its known tokens. The tokens are the same on every mesh.
extension CoordinatorCore {
  /// - Returns: false when the policy is another one, or no smaller mesh is left.
  mutating func shrink(
    after rank: Int, _ loss: RankLoss, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) -> Bool {
    guard settings.onRankLoss == .shrink, let smaller = nextMesh() else { return false }
    directives.append(.lost(rank: rank, incarnation: members[rank].incarnation, loss))
    for rank in members.indices {
      directives.append(.stopRank(rank: rank, incarnation: members[rank].incarnation))
    }
    let unfinished = replicas.flatMap { $0.scheduler.unfinishedRequests() }
      .sorted { $0.firstSequence < $1.firstSequence }
    let stoppedAt = replicas.compactMap(\.stoppedAt).min() ?? now
    let lastStep = self.lastStep
    let lostRanks = replicas.flatMap(\.lostRanks) + [rank]
    let incarnation = (members.map(\.incarnation).max() ?? 0) + 1

    settings = settings.on(smaller)
    epoch = epoch.next
    phase = .joining
    statistics.shrinkages += 1
    var member = Member()
    member.incarnation = incarnation
    member.startedIn = epoch
    member.deadline = now + settings.joinDeadline
    members = Array(repeating: member, count: settings.mesh.worldSize + settings.numSpares)
    var replica = Replica(scheduler: Scheduler(limits: settings.limits), epoch: epoch)
    replica.stoppedAt = stoppedAt
    replica.lastStep = lastStep
    replicas = Array(repeating: replica, count: settings.numReplicas)
    replicas[0].lostRanks = lostRanks
    pulseCheck = nil

    directives.append(.remesh(smaller, epoch: epoch))
    for rank in members.indices {
      directives.append(.startRank(rank: rank, incarnation: incarnation, epoch: epoch))
    }
    for entry in unfinished { place(entry.request, firstSequence: entry.firstSequence, &directives) }
    return true
  }

  /// The best smaller mesh on which everything that was accepted still fits.
  private func nextMesh() -> SmallerMesh? {
    settings.smallerMeshes.first {
      $0.shape.worldSize < settings.mesh.worldSize
        && settings.on($0).limits.lengthLimit >= settings.limits.lengthLimit
    }
  }
}
