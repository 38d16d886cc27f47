internal import KVCaching
package import Wire

extension Scheduler {
  /// Takes the step in flight back: groups that have not answered compute it again in the next plan.
  ///
  /// Sequences of `lostGroups` have lost their keys and values and are computed again from their known tokens; all
  /// others keep theirs. Every running sequence is admitted anew, because it is not known which workers saw the
  /// plan; an admission replaces what the slot held.
  package mutating func abandonStep(lostGroups: Set<Int> = []) {
    for group in groups.indices {
      groups[group].isAwaited = false
      groups[group].inFlight.removeAll(keepingCapacity: true)
      if lostGroups.contains(group) {
        for index in groups[group].running {
          evict(index)
          enqueue(index)
        }
        groups[group].running.removeAll(keepingCapacity: true)
        groups[group].pool.forgetAll()
      }
      for index in groups[group].running { sequences[index]!.needsAdmission = true }
      groups[group].releases.removeAll(keepingCapacity: true)
    }
  }
}

extension Scheduler {
  /// Everything that is not over, as requests that know what there is of their outputs, in the order of their coming.
  package func unfinishedRequests() -> [(request: GenerationRequest, firstSequence: SequenceID)] {
    var found: [(request: GenerationRequest, firstSequence: SequenceID)] = []
    for (id, members) in sequencesOfRequest {
      let mine = members.compactMap { indexByID[$0].flatMap { sequences[$0] } }
      guard let any = mine.first else { continue }
      var request = GenerationRequest(
        id: id, promptTokens: Array(any.tokens.prefix(any.promptCount)), sampling: any.sampling,
        outputs: any.outputs, priority: any.priority, deadline: any.deadline)
      request.known = Array(repeating: KnownOutput(isOver: true), count: any.sampling.n)
      for sequence in mine {
        request.known[sequence.completion] = KnownOutput(
          tokens: Array(sequence.tokens.dropFirst(sequence.promptCount)),
          deliveredRows: sequence.deliveredRows)
      }
      found.append((request, SequenceID(rawValue: any.id.rawValue - UInt64(any.completion))))
    }
    return found.sorted { $0.firstSequence < $1.firstSequence }
  }
}

extension Scheduler {
  /// What is inconsistent in the books: pages leaked or owned twice, slots used twice, sequences lost; empty when all
  /// is well. For tests and drills; O(pages + sequences).
  package func problems() -> [String] {
    var found: [String] = []
    var listed = 0
    for (number, group) in groups.enumerated() {
      let members = group.running + group.waiting
      listed += members.count
      found += group.pool.problems(tables: members.map { sequences[$0]!.pageTable }).map {
        "group \(number): \($0)"
      }
      let slots = group.running.compactMap { sequences[$0]!.slot } + group.freeSlots
      if slots.count != limits.maxSequences || Set(slots).count != slots.count {
        found.append("group \(number): slots \(slots) are not each of \(limits.maxSequences) once")
      }
      if group.numTokens != members.reduce(0, { $0 + sequences[$1]!.tokens.count }) {
        found.append("group \(number): \(group.numTokens) tokens counted, which is wrong")
      }
      for index in members {
        let sequence = sequences[index]!
        if sequence.group != number { found.append("\(sequence.id) is in the wrong group") }
        if sequence.computed > sequence.pageTable.count * limits.pageSize {
          found.append("\(sequence.id) has \(sequence.computed) computed tokens in too few pages")
        }
        if sequence.remaining < 1 { found.append("\(sequence.id) has nothing left to compute") }
        if !group.running.contains(index), !sequence.pageTable.isEmpty {
          found.append("\(sequence.id) waits, but holds pages")
        }
      }
      let ordered = zip(group.waiting, group.waiting.dropFirst())
        .allSatisfy { sequences[$0]!.precedes(sequences[$1]!) }
      if !ordered { found.append("group \(number): the waiting sequences are out of order") }
    }
    if listed != indexByID.count || listed != sequences.count - freeIndices.count {
      found.append("\(listed) sequences are listed, \(indexByID.count) are known")
    }
    return found
  }
}
