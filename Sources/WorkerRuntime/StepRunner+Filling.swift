internal import Compute
internal import KVCaching
internal import Layers
internal import Models
internal import Topology
internal import Wire

extension StepRunner {
  /// Checks a plan against this worker's sizes and turns its own group's part into tables.
  func fill(_ plan: StepPlan) throws(WorkerError) {
    let groups = rows.counts.count
    guard plan.groups.count == groups else {
      throw .badPlan("it has \(plan.groups.count) groups where the replica has \(groups)")
    }
    rows.update(plan.groups)
    let own = plan.groups[planGroup]
    for slot in own.releases { sequences.release(slot) }
    for admission in own.admissions { try sequences.admit(admission) }
    guard rows.counts.allSatisfy({ $0 <= program.limits.ownRows }) else {
      throw .badPlan("a group has \(rows.counts.max() ?? 0) tokens, at most \(program.limits.ownRows)")
    }
    tables.ownRows = rows.own
    tables.mlpRows = rows.mlpRows
    try fillRows(own)
    routing.begin(wanted: own.chunks.contains { $0.output.contains(.routing) })
    let capturing = own.chunks.contains { $0.output.contains(.hidden) }
    tables.captureRegion = capturing ? program.places.captures : nil
    tables.captureRows = rows.own
  }

  /// Rows, pages and the rows that produce logits; every rank of the attention group makes the same of them.
  private func fillRows(_ group: StepPlan.GroupPlan) throws(WorkerError) {
    tables.tokens.removeAll()
    tables.positions.removeAll()
    tables.kvSlots.removeAll()
    tables.chunkStarts.removeAll()
    tables.pageStarts.removeAll()
    tables.pages.removeAll()
    tables.sampledRows.removeAll()
    sampled.removeAll(keepingCapacity: true)
    tables.chunkStarts.append(0)
    for (index, chunk) in group.chunks.enumerated() {
      try check(chunk)
      let pageSlots = limits.pageSlots
      tables.pageStarts.append(Int32(tables.pages.count))
      for page in chunk.pageTable { tables.pages.append(page.rawValue) }
      for (offset, token) in chunk.tokens.enumerated() {
        let position = Int(chunk.startPosition) + offset
        tables.tokens.append(token.rawValue)
        tables.positions.append(Int32(position))
        tables.kvSlots.append(
          chunk.pageTable[position / pageSlots].rawValue * Int32(pageSlots) + Int32(position % pageSlots))
        noteSampledRow(chunk, index: index, offset: offset)
      }
      tables.chunkStarts.append(Int32(tables.tokens.count))
    }
  }

  /// Lists the newest row where it produces logits, and notes whether all of them are gathered.
  private func noteSampledRow(_ chunk: SequenceChunk, index: Int, offset: Int) {
    let last = offset == chunk.tokens.count - 1
    let every = !chunk.output.isDisjoint(with: .everyHeadRow)
    guard every || last && !chunk.output.isDisjoint(with: .lastRow) else { return }
    let drawn = last && chunk.output.contains(.sample) && !sequences.isPlainGreedy(chunk.slot)
    let raw = last && chunk.output.contains(.logits)
    tables.sampledRows.append(Int32(tables.tokens.count - 1))
    sampled.append(
      SampledRow(chunk: index, offset: offset, whole: drawn || raw || chunk.output.contains(.scoreTargets)))
  }

  private var limits: RunLimits { program.runLimits }

  private func check(_ chunk: SequenceChunk) throws(WorkerError) {
    guard chunk.startPosition >= 0, chunk.endPosition <= limits.maxModelLength else {
      throw .badPlan(
        "slot \(chunk.slot) reaches position \(chunk.endPosition), at most \(limits.maxModelLength)")
    }
    guard chunk.endPosition <= chunk.pageTable.count * limits.pageSlots,
      chunk.pageTable.allSatisfy({ $0.rawValue >= 0 && $0.rawValue < limits.numPages })
    else { throw .badPlan("slot \(chunk.slot) has pages outside 0..<\(limits.numPages) or too few of them") }
    guard chunk.tokens.allSatisfy({ $0.rawValue >= 0 && $0.rawValue < program.vocabularySize }) else {
      throw .badPlan("slot \(chunk.slot) has a token outside 0..<\(program.vocabularySize)")
    }
    let rowsWanted = chunk.output.isDisjoint(with: .everyHeadRow) ? 1 : chunk.tokens.count
    guard tables.sampledRows.count + rowsWanted <= program.limits.sampledRows,
      tables.pages.count + chunk.pageTable.count <= program.limits.pageReferences
    else {
      throw .badPlan("slot \(chunk.slot) asks for more rows or pages than the worker was configured for")
    }
  }
}
