internal import Compute
internal import Layers
internal import Models
internal import Transport
internal import Wire

/// Conditions that the run puts on the links between ranks.
extension Worker {
  /// Puts the link behind conditions, when the run has any; otherwise nothing stands between.
  func takeConditions(_ text: String) throws(WorkerError) {
    guard !text.isEmpty else { return }
    let conditions = try self.conditions(text)
    if let emulated = link as? FaultyLink {
      emulated.update(conditions)
    } else {
      link = FaultyLink(link, conditions)
    }
  }

  /// Other conditions, for a link that is behind some already: collectives hold on to their link.
  func changeConditions(_ text: String) throws(WorkerError) {
    (link as? FaultyLink)?.update(try conditions(text))
  }

  private func conditions(_ text: String) throws(WorkerError) -> LinkConditions {
    do throws(LinkConditionsError) {
      return try LinkConditions(text, worldSize: link.worldSize)
    } catch {
      throw .badPlan("\(error)")
    }
  }

  /// What the link has seen and done so far.
  func linkReport(_ runner: StepRunner, tellsAddresses: Bool) -> LinkReport {
    var report = LinkReport(rank: UInt32(link.rank))
    let traffic = link.traffic
    report.staleFrames = UInt64(traffic.staleFramesDropped)
    report.futureFrames = UInt64(traffic.futureFramesDropped)
    report.malformedFrames = UInt64(traffic.malformedFrames)
    report.duplicateFrames = UInt64(runner.exchanges.duplicateFramesDropped)
    if let counts = (link as? FaultyLink)?.counts {
      report.faults = UInt64(counts.faults)
      report.delayedFrames = UInt64(counts.delayed)
      report.firstFaultAt = counts.firstAt
    }
    if tellsAddresses {
      report.weightsAddress = runner.memory.weightsAddress
      report.weightsBytes = UInt64(runner.program.weights.byteCount)
    }
    return report
  }
}
