internal import Scheduling
internal import Wire

/// Recovery, for each replica on its own:
///
/// ```
///            rank lost, or a step failed (`StepTrouble`)
/// serving ------------------------------> epoch + 1: step void, survivors told, lost ranks started again
///    ^                                        |   ^
///    |  all ranks ready and in the epoch      |   | another loss: epoch + 1 again
///    +----------------------------------------+---+
/// ```
///
/// A lost rank is started again, or a spare that is loaded already takes its place (`CoordinatorCore+Spares`), or all
/// ranks end and a smaller mesh takes over (`CoordinatorCore+Shrinking`).
///
/// Survivors keep weights, keys and values. Sequences of attention groups that lost a rank are computed again from
/// their known tokens; all others go on with their next step. Tokens are appended by the coordinator alone, from results
/// of the current epoch alone, so none is lost or repeated.
extension CoordinatorCore {
  /// A rank is gone, or as good as gone: it is replaced, or the run ends.
  mutating func lose(
    _ rank: Int, _ loss: RankLoss, code: Abort.Code = .peerLost, _ now: Timestamp,
    _ directives: inout [CoordinatorDirective]
  ) {
    guard isOpen, members.indices.contains(rank) else { return }
    guard !isSpare(rank) else { return loseSpare(rank, loss, now, &directives) }
    let loss = loss.inItsOwnWords
    let window = settings.restarts.window
    members[rank].losses.removeAll { $0 + window <= now }
    members[rank].losses.append(now)
    if let failure = finalFailure(rank, loss, code) {
      fail(failure, &directives)
      return
    }
    if shrink(after: rank, loss, now, &directives) { return }
    let number = members[rank].losses.count
    let incarnation = members[rank].incarnation
    directives.append(.lost(rank: rank, incarnation: incarnation, loss))
    directives.append(.stopRank(rank: rank, incarnation: incarnation))
    let text = "\(name(rank)) \(loss.text)"
    members[rank] = members[rank].successor(restartAt: now + settings.restarts.pause(before: number))
    let placement = settings.placements[rank]
    replicas[placement.replica].lostRanks.append(rank)
    beginEpoch(placement.replica, lostGroups: [placement.group], text, now, &directives)
  }

  /// Why the loss cannot be recovered from; nil when it can.
  private func finalFailure(_ rank: Int, _ loss: RankLoss, _ code: Abort.Code) -> RunFailure? {
    let sentence = "\(name(rank)) \(loss.text)"
    func failure(_ description: String) -> RunFailure {
      RunFailure(
        rank: rank, code: code, description: description, host: members[rank].hello?.hostName, loss: loss)
    }
    guard settings.onRankLoss != .fail else { return failure(sentence) }
    if settings.adoptsWorkers, members[rank].state == .missing, loss.cause == .late {
      return failure("\(sentence); nobody came for it")
    }
    let count = members[rank].losses.count
    if count > settings.restarts.count {
      return failure(
        "\(sentence); it was lost \(count) times within \(settings.restarts.window), and at most"
          + " \(settings.restarts.count) replacements are allowed")
    }
    guard phase == .joining else { return nil }
    // Another process would find the same checkpoint and the same host.
    if loss.cause == .gaveUp { return failure(sentence) }
    guard members[rank].starts == 0 else { return nil }
    // What cannot start the first time will not start the second time either, unless someone killed it. A client that
    // carries the process of another host exits where that one is killed, so what had joined may come again.
    switch loss.cause {
    case .exited where members[rank].hello != nil: return nil
    case .exited, .notStarted, .gaveUp, .late: return failure(sentence)
    case .killed, .hung, .unreachable: return nil
    }
  }

  /// A step failed on a rank that is still there: `StepTrouble` says what is tried.
  mutating func giveUpStep(
    _ abort: Abort, _ rank: Int, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    let replica = settings.placements[rank].replica
    guard abort.epoch == replicas[replica].epoch, replicas[replica].isServing else {
      statistics.staleResults += 1
      return
    }
    guard settings.onRankLoss != .fail else {
      fail(
        RunFailure(
          rank: rank, code: abort.code, description: "\(name(rank)) gave up: \(abort.text)",
          host: members[rank].hello?.hostName), &directives)
      return
    }
    guard abort.code == .collectiveDeadline else {
      answer(abort, rank, now, &directives)
      return
    }
    replicas[replica].complaints.add(abort, from: rank, now)
    if replicas[replica].complaints.count == ranks(of: replica).count { hear(replica, now, &directives) }
  }

  /// Decides where deadlines have passed and nobody else complains any more.
  mutating func hearComplaints(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    for replica in replicas.indices where replicas.indices.contains(replica) {
      if isOpen, let moment = replicas[replica].complaints.heardAt, moment <= now {
        hear(replica, now, &directives)
      }
    }
  }

  private mutating func hear(
    _ replica: Int, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    guard let first = replicas[replica].complaints.take() else { return }
    answer(first.abort, first.rank, now, &directives)
  }

  private mutating func answer(
    _ abort: Abort, _ rank: Int, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    let replica = settings.placements[rank].replica
    let named = abort.rank.map { Int($0) } ?? rank
    let blamed =
      settings.placements.indices.contains(named) && settings.placements[named].replica == replica
      ? named : rank
    switch replicas[replica].trouble.answer(to: abort.code, reporter: rank, named: blamed, settings.restarts)
    {
    case .retry(let pause):
      directives.append(.stepRetried(rank: rank, "\(name(rank)) gave up a step: \(abort.text)"))
      replicas[replica].resumesAt = pause > .zero ? now + pause : nil
      beginEpoch(replica, lostGroups: [], "\(name(rank)) gave up a step", now, &directives)
    case .replace(let suspect):
      let cause: RankLoss.Cause = abort.code == .collectiveDeadline ? .late : .unreachable
      lose(
        suspect, RankLoss(cause, "is taken for broken: \(name(rank)) reports that \(abort.text)"),
        code: abort.code, now, &directives)
    case .giveUp:
      fail(
        RunFailure(
          rank: blamed, code: abort.code,
          description: replicas[replica].trouble.verdict(reporter: rank, named: blamed, abort.text),
          host: members[blamed].hello?.hostName), &directives)
    }
  }

  /// Voids the step in flight and everything of the old epoch; the replica goes on once all ranks are in the new one.
  private mutating func beginEpoch(
    _ replica: Int, lostGroups: Set<Int>, _ text: String, _ now: Timestamp,
    _ directives: inout [CoordinatorDirective]
  ) {
    epoch = epoch.next
    replicas[replica].epoch = epoch
    replicas[replica].scheduler.abandonStep(lostGroups: lostGroups)
    replicas[replica].stepDeadline = nil
    replicas[replica].complaints = Complaints()
    if replicas[replica].isServing {
      replicas[replica].isServing = false
      replicas[replica].stoppedAt = now
    }
    var told: [Int] = []
    for rank in ranks(of: replica) where members[rank].hasJoined {
      told.append(rank)
      if members[rank].state == .ready { members[rank].deadline = now + settings.acknowledgeDeadline }
    }
    if !told.isEmpty { directives.append(.changeEpoch(EpochChange(epoch: epoch, text: text), ranks: told)) }
  }

  /// Starts the ranks whose pause is over.
  mutating func restartRanks(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    guard isOpen else { return }
    for rank in members.indices {
      guard case .paused(let moment) = members[rank].state, moment <= now else { continue }
      guard !isSpare(rank) else {
        startSpare(rank, now, &directives)
        continue
      }
      let epoch = replicas[settings.placements[rank].replica].epoch
      members[rank].state = .missing
      members[rank].startedIn = epoch
      if promote(to: rank, epoch, now, &directives) { continue }
      members[rank].deadline = now + settings.joinDeadline
      directives.append(
        .startRank(rank: rank, incarnation: members[rank].incarnation, epoch: epoch))
    }
  }

  /// A survivor has left the old epoch.
  mutating func acknowledge(
    _ answer: EpochAcknowledged, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    let rank = Int(answer.rank)
    members[rank].epoch = max(members[rank].epoch, answer.epoch)
    goOnWhenComplete(settings.placements[rank].replica, now, &directives)
  }

  /// Introduces the ranks of a replica to each other when all hold their shards and are in its epoch.
  mutating func goOnWhenComplete(
    _ replica: Int, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    let epoch = replicas[replica].epoch
    var isComplete = true
    for rank in ranks(of: replica) {
      if members[rank].state == .ready, members[rank].epoch == epoch {
        members[rank].deadline = nil
      } else {
        isComplete = false
      }
    }
    guard isComplete, !replicas[replica].isServing else { return }
    replicas[replica].isServing = true
    directives.append(.introduce(replica: replica, epoch: epoch))
    if let stoppedAt = replicas[replica].stoppedAt {
      replicas[replica].stoppedAt = nil
      statistics.recoveries += 1
      directives.append(
        .recovered(
          Recovery(replica: replica, ranks: replicas[replica].lostRanks, duration: now - stoppedAt)))
    }
    replicas[replica].lostRanks.removeAll()
    replaceSpares(now)
    guard phase == .joining, replicas.allSatisfy(\.isServing) else { return }
    phase = .serving
    directives.append(.serving)
  }

  func ranks(of replica: Int) -> [Int] {
    settings.placements.indices.filter { settings.placements[$0].replica == replica }
  }
}
