internal import Scheduling
internal import Topology
internal import Wire

/// Spares: processes that have loaded and wait. Their seats follow those of the ranks.
///
/// ```
///          joins            loads          a rank is lost             streams go on
/// missing -------> loading -------> ready ----------------> used ------------------> paused -> missing
/// ```
///
/// A spare that dies while it waits costs no step; one that dies too often is given up, and lost ranks are then started
/// again from nothing.
extension CoordinatorCore {
  func isSpare(_ seat: Int) -> Bool { seat >= settings.mesh.worldSize }

  /// Spares that are ready to take a rank's place.
  package var numReadySpares: Int { members.indices.count { isSpare($0) && members[$0].state == .ready } }

  mutating func loseSpare(
    _ seat: Int, _ loss: RankLoss, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    guard members[seat].state != .used else { return }
    members[seat].losses.removeAll { $0 + settings.restarts.window <= now }
    members[seat].losses.append(now)
    let number = members[seat].losses.count
    directives.append(.lost(rank: seat, incarnation: members[seat].incarnation, loss))
    directives.append(.stopRank(rank: seat, incarnation: members[seat].incarnation))
    members[seat] = members[seat].successor(restartAt: now + settings.restarts.pause(before: number + 1))
    if number > settings.restarts.count { members[seat].state = .used }
  }

  mutating func startSpare(_ seat: Int, _ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    members[seat].state = .missing
    members[seat].startedIn = epoch
    members[seat].deadline = now + settings.joinDeadline
    directives.append(.startRank(rank: seat, incarnation: members[seat].incarnation, epoch: epoch))
  }

  /// Lets a spare take the place of a rank that is about to be started again; false when none is ready.
  mutating func promote(
    to rank: Int, _ epoch: Epoch, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) -> Bool {
    guard settings.onRankLoss == .spare,
      let seat = members.indices.first(where: { isSpare($0) && members[$0].state == .ready })
    else { return false }
    directives.append(
      .promote(spare: seat, rank: rank, incarnation: members[rank].incarnation, epoch: epoch))
    members[rank].deadline = now + settings.promoteDeadline
    let losses = members[seat].losses
    members[seat] = members[seat].successor(restartAt: now)
    members[seat].losses = losses
    members[seat].state = .used
    members[seat].isPromoted = true
    statistics.promotions += 1
    return true
  }

  /// Once streams go on, there is time to load new spares.
  mutating func replaceSpares(_ now: Timestamp) {
    for seat in members.indices where isSpare(seat) && members[seat].isPromoted {
      members[seat].isPromoted = false
      members[seat].state = .paused(until: now)
    }
  }
}
