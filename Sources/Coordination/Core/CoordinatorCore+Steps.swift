internal import Scheduling
internal import Wire

extension CoordinatorCore {
  /// Requests whose deadline has passed end now, whatever step is in flight; a step that is late ends the run.
  mutating func expire(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    guard isOpen else { return }
    for replica in replicas.indices {
      replicas[replica].scheduler.expire(now: now, into: &scratch)
      forward(&directives)
      if let deadline = replicas[replica].stepDeadline, deadline <= now {
        failLateStep(replica, &directives)
        return
      }
    }
  }

  /// Plans a step for every replica that is free.
  mutating func plan(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    guard phase == .serving else { return }
    for replica in replicas.indices where replicas[replica].stepDeadline == nil {
      let step = replicas[replica].lastStep.next
      guard let plan = replicas[replica].scheduler.plan(epoch: epoch, step: step) else { continue }
      replicas[replica].lastStep = step
      replicas[replica].stepDeadline = now + settings.stepDeadline
      directives.append(.sendPlan(plan, replica: replica))
    }
  }

  /// Takes in one group's result of the step in flight; drops results of other steps and epochs.
  mutating func complete(_ result: StepResult, _ rank: Int, _ directives: inout [CoordinatorDirective]) {
    guard members.indices.contains(rank) else { return }
    let placement = settings.placements[rank]
    let replica = placement.replica
    guard result.epoch == epoch, result.step == replicas[replica].lastStep,
      replicas[replica].stepDeadline != nil
    else {
      statistics.staleResults += 1
      return
    }
    guard placement.isReporter, placement.group == Int(result.group) else {
      lose(
        rank, .malformedMessage, "sent a result of attention group \(result.group), not its own", &directives)
      return
    }
    do {
      try replicas[replica].scheduler.complete(result, into: &scratch)
    } catch {
      lose(rank, .malformedMessage, "sent a result that does not answer its plan: \(error)", &directives)
      return
    }
    forward(&directives)
    if !replicas[replica].scheduler.isStepInFlight {
      replicas[replica].stepDeadline = nil
      statistics.completedSteps += 1
    }
  }

  /// Names the ranks whose results are missing.
  private mutating func failLateStep(_ replica: Int, _ directives: inout [CoordinatorDirective]) {
    let awaited = replicas[replica].scheduler.awaitedGroups
    let late = members.indices.filter { rank in
      let placement = settings.placements[rank]
      return placement.replica == replica && placement.isReporter && awaited.contains(placement.group)
    }
    let names = late.map { name($0) }.joined(separator: ", ")
    fail(
      RunFailure(
        rank: late.first, code: .collectiveDeadline,
        description:
          "\(replicas[replica].lastStep) was not done within \(settings.stepDeadline); the result of"
          + " \(names) is missing"),
      &directives)
  }
}
