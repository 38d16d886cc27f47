internal import Coordination
internal import Topology
package import Wire

/// Steps that the caller plans itself, past the scheduler; for the first replica.
extension MeshEngine {
  /// Computes one plan: groups by attention group of the replica, pages chosen by the caller.
  ///
  /// - Returns: one result of each group, by group.
  package func run(_ groups: [StepPlan.GroupPlan]) throws(EngineError) -> [StepResult] {
    let plan = StepPlan(epoch: core.epoch, step: nextDirectStep(), groups: groups)
    return try collectResults(of: groups.indices, step: plan.step) { () throws(EngineError) in
      for rank in core.settings.mesh.ranks where core.settings.placements[rank].replica == 0 {
        try sendDirect(.stepPlan, to: rank, step: plan.step, plan)
      }
    }
  }

  /// The logits of `rows` hidden states before the final norm, computed by one attention group.
  package func logits(hidden: [UInt8], rows: Int) throws(EngineError) -> StepPayload {
    let plan = HeadPlan(
      epoch: core.epoch, step: nextDirectStep(), group: 0, rows: Int32(rows), hidden: hidden)
    let results = try collectResults(of: 0..<1, step: plan.step) { () throws(EngineError) in
      for rank in core.settings.mesh.attentionGroup(of: 0).ranks {
        try sendDirect(.headPlan, to: rank, step: plan.step, plan)
      }
    }
    guard let logits = results.first?.payloads.first(where: { $0.kind == .logits }) else {
      throw EngineError(.failure, "the mesh answered without logits")
    }
    return logits
  }

  private func collectResults(
    of groups: Range<Int>, step: StepNumber, _ start: () throws(EngineError) -> Void
  ) throws(EngineError) -> [StepResult] {
    directResults = [:]
    defer { directResults = nil }
    try start()
    while let found = directResults, !groups.allSatisfy({ found[$0] != nil }) { try turn { _ in } }
    return groups.compactMap { directResults?[$0] }
  }

  private func nextDirectStep() -> StepNumber {
    directStep = directStep.next
    return directStep
  }
}
