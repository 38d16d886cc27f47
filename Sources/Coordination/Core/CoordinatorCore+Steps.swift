internal import Scheduling
internal import Wire

extension CoordinatorCore {
  /// Requests whose deadline has passed end now, whatever step is in flight; a rank whose result is late is lost.
  mutating func expire(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    guard isOpen else { return }
    let meshes = statistics.shrinkages
    for replica in replicas.indices where statistics.shrinkages == meshes {
      replicas[replica].scheduler.expire(now: now, into: &scratch)
      forward(&directives)
      if let deadline = replicas[replica].stepDeadline, deadline <= now {
        loseLateRanks(replica, now, &directives)
        guard isOpen else { return }
      }
    }
  }

  /// Plans a step for every replica that is free.
  mutating func plan(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    guard phase == .serving else { return }
    for replica in replicas.indices
    where replicas[replica].isServing && replicas[replica].stepDeadline == nil {
      if let moment = replicas[replica].resumesAt, moment > now { continue }
      replicas[replica].resumesAt = nil
      let step = replicas[replica].lastStep.next
      guard let plan = replicas[replica].scheduler.plan(epoch: replicas[replica].epoch, step: step) else {
        continue
      }
      replicas[replica].lastStep = step
      replicas[replica].stepDeadline = now + settings.stepDeadline
      replicas[replica].stepStarted = now
      directives.append(.sendPlan(plan, replica: replica))
    }
  }

  /// Takes in one group's result of the step in flight; drops results of other steps and epochs.
  mutating func complete(
    _ result: StepResult, _ rank: Int, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    let placement = settings.placements[rank]
    let replica = placement.replica
    guard result.epoch == replicas[replica].epoch, result.step == replicas[replica].lastStep,
      replicas[replica].stepDeadline != nil
    else {
      statistics.staleResults += 1
      return
    }
    guard placement.isReporter, placement.group == Int(result.group) else {
      let text = "sent a result of attention group \(result.group), not its own"
      lose(rank, RankLoss(.unreachable, text), code: .malformedMessage, now, &directives)
      return
    }
    do {
      try replicas[replica].scheduler.complete(result, into: &scratch)
    } catch {
      let text = "sent a result that does not answer its plan: \(error)"
      lose(rank, RankLoss(.unreachable, text), code: .malformedMessage, now, &directives)
      return
    }
    forward(&directives)
    if !replicas[replica].scheduler.isStepInFlight {
      replicas[replica].stepDeadline = nil
      replicas[replica].trouble = StepTrouble()
      statistics.completedSteps += 1
    }
  }

  /// Ranks whose results are missing when the step's time is over.
  private mutating func loseLateRanks(
    _ replica: Int, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    let awaited = replicas[replica].scheduler.awaitedGroups
    let step = replicas[replica].lastStep
    let late = settings.placements.indices.filter { rank in
      let placement = settings.placements[rank]
      return placement.replica == replica && placement.isReporter && awaited.contains(placement.group)
    }
    let meshes = statistics.shrinkages
    for rank in late where statistics.shrinkages == meshes {
      let text = "has not sent its result of \(step) within \(settings.stepDeadline)"
      lose(rank, RankLoss(.late, text), code: .collectiveDeadline, now, &directives)
    }
  }
}
