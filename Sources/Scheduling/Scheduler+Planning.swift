internal import KVCaching
package import Wire

extension Scheduler {
  /// The next step, or nil when no sequence can compute anything.
  ///
  /// Cost: proportional to the running sequences and their page tables.
  ///
  /// - Precondition: no step is in flight, and `expire` was called for this time.
  package mutating func plan(epoch: Epoch, step: StepNumber) -> StepPlan? {
    precondition(!isStepInFlight, "\(step) cannot be planned while a step is in flight")
    var plan = StepPlan(epoch: epoch, step: step, groups: [])
    plan.groups.reserveCapacity(groups.count)
    var rows = 0
    for group in groups.indices {
      var part = StepPlan.GroupPlan()
      rows += planGroup(group, into: &part)
      plan.groups.append(part)
    }
    guard rows > 0 else {
      // Nothing to compute means nothing was admitted either; the releases wait for the next step.
      for group in groups.indices { groups[group].releases = plan.groups[group].releases }
      return nil
    }
    for group in groups.indices { groups[group].isAwaited = true }
    count {
      $0.steps += 1
      $0.rows += rows
    }
    return plan
  }

  private mutating func planGroup(_ group: Int, into part: inout StepPlan.GroupPlan) -> Int {
    groups[group].inFlight.removeAll(keepingCapacity: true)
    var budget = limits.maxBatchedTokens
    let preempted = planRunning(group, &budget, &part)
    if !preempted { admitWaiting(group, &budget, &part) }
    part.releases = groups[group].releases
    groups[group].releases.removeAll(keepingCapacity: true)
    return limits.maxBatchedTokens - budget
  }

  /// Chunks for sequences that hold a slot, oldest admission first; true when one was preempted.
  private mutating func planRunning(
    _ group: Int, _ budget: inout Int, _ part: inout StepPlan.GroupPlan
  ) -> Bool {
    // Every sequence that decodes keeps one row of the budget, whatever prefill comes before it.
    var reserved = groups[group].running.reduce(0) { $0 + (sequences[$1]!.remaining == 1 ? 1 : 0) }
    var preempted = false
    var place = 0
    while place < groups[group].running.count {
      let index = groups[group].running[place]
      if sequences[index]!.remaining == 1 { reserved -= 1 }
      let rows = chunkLength(index, budget: budget - reserved)
      place += 1
      guard rows > 0 else { continue }
      var holdsPages = true
      let end = sequences[index]!.computed + rows
      while !groups[group].pool.grow(&sequences[index]!.pageTable, toCover: end) {
        let victim = groups[group].running.removeLast()
        if victim != index, sequences[victim]!.remaining == 1 { reserved -= 1 }
        preempt(victim)
        preempted = true
        if victim == index {
          holdsPages = false
          break
        }
      }
      guard holdsPages else { break }
      appendChunk(index, rows: rows, to: &part)
      budget -= rows
    }
    return preempted
  }

  /// Gives slots and first chunks to waiting sequences, as long as all known tokens of each find pages.
  private mutating func admitWaiting(_ group: Int, _ budget: inout Int, _ part: inout StepPlan.GroupPlan) {
    var place = 0
    while place < groups[group].waiting.count, budget > 0, !groups[group].freeSlots.isEmpty {
      let index = groups[group].waiting[place]
      if waitsForLeader(index) {
        place += 1
        continue
      }
      guard takePrefix(index, group) else { return }
      let rows = chunkLength(index, budget: budget)
      let end = sequences[index]!.computed + rows
      let grown = groups[group].pool.grow(&sequences[index]!.pageTable, toCover: end)
      precondition(grown, "pages that were counted as available are not there")
      groups[group].waiting.remove(at: place)
      groups[group].running.append(index)
      sequences[index]!.slot = groups[group].freeSlots.removeLast()
      appendChunk(index, rows: rows, to: &part)
      budget -= rows
    }
  }

  /// Rows of the next chunk within the budget; a chunk never mixes rows already delivered with new ones.
  private func chunkLength(_ index: Int, budget: Int) -> Int {
    let (remaining, computed) = (sequences[index]!.remaining, sequences[index]!.computed)
    let rows = min(remaining, budget, limits.prefillChunk)
    let delivered = sequences[index]!.deliveredRows
    return computed < delivered ? min(rows, delivered - computed) : rows
  }

  private func waitsForLeader(_ index: Int) -> Bool {
    guard let leader = sequences[index]!.leader, let other = indexByID[leader] else { return false }
    guard sequences[index]!.adoptablePages(pageSize: limits.pageSize) > 0 else { return false }
    return sequences[other]!.computed < sequences[other]!.promptCount
  }

  /// Takes over what is computed already; false, changing nothing, when the pages for the rest are not there.
  private mutating func takePrefix(_ index: Int, _ group: Int) -> Bool {
    let adoptable = sequences[index]!.adoptablePages(pageSize: limits.pageSize)
    var hit = 0
    if limits.cachesPrefixes {
      sequences[index]!.extendKeys(to: adoptable, pageSize: limits.pageSize)
      hit = min(adoptable, groups[group].pool.cachedPrefixLength(sequences[index]!.keys))
    }
    let donor = hit == 0 ? sharedPages(index) : nil
    let idle = groups[group].pool.numIdle(inPrefix: sequences[index]!.keys, count: hit)
    let target = min(sequences[index]!.tokens.count + 1, sequences[index]!.lengthLimit)
    let positions = max(target, sequences[index]!.tokens.count)
    let needed =
      PageTable.pagesNeeded(for: positions, pageSize: limits.pageSize) - max(hit, donor?.count ?? 0)
    guard needed <= groups[group].pool.numAvailable - idle else { return false }
    if hit > 0 {
      let keys = sequences[index]!.keys
      groups[group].pool.adoptPrefix(keys, limit: hit, into: &sequences[index]!.pageTable)
    } else if let donor {
      groups[group].pool.share(donor.table, count: donor.count, into: &sequences[index]!.pageTable)
    }
    let pages = sequences[index]!.pageTable.count
    sequences[index]!.published = pages
    sequences[index]!.computed = pages * limits.pageSize
    if sequences[index]!.cachedTokens == nil {
      let cached = sequences[index]!.computed
      sequences[index]!.cachedTokens = cached
      count { $0.cachedTokens += cached }
    }
    return true
  }

  /// Full prompt pages of the first completion, for the others where there is no prefix cache.
  private func sharedPages(_ index: Int) -> (table: PageTable, count: Int)? {
    guard !limits.cachesPrefixes, let leader = sequences[index]!.leader, let other = indexByID[leader],
      sequences[other]!.computed >= sequences[other]!.promptCount
    else { return nil }
    let prompt = sequences[index]!.promptCount / limits.pageSize
    return (
      sequences[other]!.pageTable, min(prompt, sequences[index]!.adoptablePages(pageSize: limits.pageSize))
    )
  }

  private mutating func preempt(_ index: Int) {
    evict(index)
    enqueue(index)
    count { $0.preemptions += 1 }
  }

  private mutating func appendChunk(_ index: Int, rows: Int, to part: inout StepPlan.GroupPlan) {
    let (start, known) = (sequences[index]!.computed, sequences[index]!.tokens.count)
    let end = start + rows
    var output: OutputRequest = []
    if start >= sequences[index]!.deliveredRows { output = sequences[index]!.outputs.intersection(.everyRow) }
    if end == known { output.formUnion(sequences[index]!.outputs.intersection(.lastRow)) }
    let slot = sequences[index]!.slot!
    if sequences[index]!.needsAdmission {
      part.admissions.append(admission(index, slot: slot))
      sequences[index]!.needsAdmission = false
    }
    part.chunks.append(
      SequenceChunk(
        slot: slot, startPosition: Int32(start), tokens: Array(sequences[index]!.tokens[start..<end]),
        nextToken: end < known ? sequences[index]!.tokens[end] : nil,
        pageTable: sequences[index]!.pageTable.pages, output: output))
    groups[sequences[index]!.group].inFlight.append(
      InFlightChunk(
        index: index, id: sequences[index]!.id, slot: slot, startPosition: start, count: rows, output: output)
    )
  }

  private func admission(_ index: Int, slot: Int32) -> SequenceAdmission {
    let sequence = sequences[index]!
    return SequenceAdmission(
      slot: slot, sequence: sequence.id, sampling: sequence.sampling, randomKey: sequence.randomKey,
      suppressedTokens: sequence.suppressedTokens,
      promptTokens: Array(sequence.tokens.prefix(sequence.promptCount)),
      outputTokens: Array(sequence.tokens.dropFirst(sequence.promptCount)))
  }
}
