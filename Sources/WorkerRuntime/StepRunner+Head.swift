internal import Compute
internal import Layers
internal import Models
package import Wire

extension StepRunner {
  /// Final norm and head of rows that the plan brings; nil on ranks that do not report.
  ///
  /// The same operations as at the end of a step, so the same bits.
  package func run(_ plan: HeadPlan) throws(WorkerError) -> StepResult? {
    let count = Int(plan.rows)
    guard Int(plan.group) == planGroup, count <= program.limits.sampledRows,
      plan.hidden.count == count * program.hiddenSize * 4
    else {
      throw .badPlan(
        "\(plan.hidden.count) bytes for \(count) rows of \(program.hiddenSize) at most \(program.limits.sampledRows)"
      )
    }
    rows.update(Array(repeating: StepPlan.GroupPlan(), count: rows.counts.count))
    tables.ownRows = 0
    tables.mlpRows = 0
    tables.captureRegion = nil
    tables.tokens.removeAll()
    tables.sampledRows.removeAll()
    sampled.removeAll(keepingCapacity: true)
    for row in 0..<count {
      tables.sampledRows.append(Int32(row))
      sampled.append(SampledRow(chunk: 0, offset: row, whole: true))
    }
    memory.store(plan.hidden, at: program.places.residual)
    exchanges.begin(step: plan.step, rows: rows, tables: tables)
    try execute(headProgram)
    guard isReporter else { return nil }
    var result = StepResult(epoch: plan.epoch, step: plan.step, group: plan.group)
    guard let logits = program.places.gatheredLogits else { return result }
    result.payloads = [
      StepPayload(
        slot: 0, kind: .logits, startPosition: 0, rows: plan.rows, columns: Int32(program.vocabularySize),
        bytes: memory.bytes(logits, count: count * program.vocabularySize * 4))
    ]
    return result
  }
}

extension RankProgram {
  /// What follows the last layer.
  var head: StepProgram {
    let start =
      program.steps.lastIndex { step in
        if case .op(.pickSampledRows) = step { true } else { false }
      } ?? program.steps.endIndex
    return StepProgram(steps: Array(program.steps[start...]))
  }
}
