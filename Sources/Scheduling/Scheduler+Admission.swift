internal import KVCaching
internal import Wire

extension Scheduler {
  /// How good a group is for a prompt; among equals the first is taken.
  package struct Placement: Sendable, Hashable {
    package var group: Int
    /// Pages of the prompt that the group has cached.
    package var cachedPages: Int
    /// All slots of the group are spoken for, so that the request would have to wait.
    package var isFull: Bool
    package var numTokens: Int
    package var numSequences: Int

    /// A group with room before a full one, then the longest cached prefix, then the least load.
    package func isBetter(than other: Placement) -> Bool {
      if isFull != other.isFull { return other.isFull }
      if cachedPages != other.cachedPages { return cachedPages > other.cachedPages }
      return (numTokens, numSequences) < (other.numTokens, other.numSequences)
    }
  }

  /// The group that a prompt would be pinned to.
  package func placement(of request: GenerationRequest) -> Placement {
    // The last token is always computed, so its page can never be taken over whole.
    let adoptable = request.outputs.isDisjoint(with: .everyRow) ? (request.promptTokens.count - 1) : 0
    var keys: [PageKey] = []
    if limits.cachesPrefixes, groups.contains(where: { $0.pool.prefixes.count > 0 }) {
      for page in 0..<(max(0, adoptable) / limits.pageSize) {
        let range = (page * limits.pageSize)..<((page + 1) * limits.pageSize)
        keys.append(PageKey(after: keys.last, tokens: request.promptTokens[range].map(\.rawValue)))
      }
    }
    var best: Placement?
    for (index, group) in groups.enumerated() {
      let numSequences = group.running.count + group.waiting.count
      let candidate = Placement(
        group: index, cachedPages: keys.isEmpty ? 0 : group.pool.cachedPrefixLength(keys),
        isFull: numSequences >= limits.maxSequences, numTokens: group.numTokens, numSequences: numSequences)
      if best.map({ candidate.isBetter(than: $0) }) ?? true { best = candidate }
    }
    return best!
  }

  mutating func submit(
    _ request: GenerationRequest, _ firstSequence: SequenceID, _ directives: inout [SchedulerDirective]
  ) {
    if let problem = request.problem(limits: limits) {
      directives.append(.refused(request.id, Refusal(problem)))
      return
    }
    // What has been accepted once is not turned away.
    guard numWaiting + request.sampling.n <= limits.maxWaiting || !request.known.isEmpty else {
      directives.append(
        .refused(
          request.id,
          Refusal(
            "\(numWaiting) sequences wait, at most \(limits.maxWaiting) may",
            kind: .busy(retryAfter: .seconds(1)))))
      return
    }
    precondition(sequencesOfRequest[request.id] == nil, "\(request.id) exists already")
    let group = placement(of: request).group
    let ids = (0..<UInt64(request.sampling.n)).map { SequenceID(rawValue: firstSequence.rawValue + $0) }
    sequencesOfRequest[request.id] = ids
    for (completion, id) in ids.enumerated() {
      let known = request.known.indices.contains(completion) ? request.known[completion] : KnownOutput()
      if known.isOver {
        sequencesOfRequest[request.id]?.removeAll { $0 == id }
        continue
      }
      var sequence = makeSequence(
        request, id: id, completion: completion, leader: completion == 0 ? nil : firstSequence, group: group)
      sequence.tokens += known.tokens
      sequence.deliveredRows = known.deliveredRows
      let index = freeIndices.popLast() ?? sequences.count
      if index == sequences.count { sequences.append(sequence) } else { sequences[index] = sequence }
      precondition(indexByID.updateValue(index, forKey: id) == nil, "\(id) exists already")
      groups[group].numTokens += sequence.tokens.count
      enqueue(index)
      // Only a run that ended between a token and the note of its end leaves such a one.
      if let last = known.tokens.last, let cause = ending(index, last) { finish(index, cause, &directives) }
    }
    if let deadline = request.deadline { noteDeadline(deadline) }
    count { $0.promptTokens += request.promptTokens.count * request.sampling.n }
  }

  private mutating func makeSequence(
    _ request: GenerationRequest, id: SequenceID, completion: Int, leader: SequenceID?, group: Int
  ) -> Sequence {
    let sampling = request.sampling
    var suppressed: [TokenID] = []
    if sampling.minTokens > 0 {
      var ids = Set(sampling.stopTokenIDs.map(\.rawValue))
      if !sampling.ignoreEOS { ids.formUnion(limits.endOfSequenceTokens) }
      suppressed = ids.sorted().map { TokenID(rawValue: $0) }
    }
    let promptCount = request.promptTokens.count
    let room = limits.lengthLimit - promptCount
    arrivals += 1
    return Sequence(
      id: id, request: request.id, completion: completion, sampling: sampling, outputs: request.outputs,
      randomKey: randomKey(request, completion: completion), suppressedTokens: suppressed,
      priority: request.priority, arrival: arrivals, deadline: request.deadline, group: group,
      lengthLimit: promptCount + min(room, sampling.maxTokens ?? room), promptCount: promptCount,
      leader: leader, tokens: request.promptTokens)
  }

  /// Depends on the request's seed and the completion alone, so that a repeated request draws the same tokens.
  private func randomKey(_ request: GenerationRequest, completion: Int) -> UInt64 {
    let seed = request.sampling.seed ?? scramble(limits.seed ^ scramble(request.id.rawValue &+ 1))
    return completion == 0 ? seed : scramble(seed ^ scramble(UInt64(completion)))
  }

  /// The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
  private func scramble(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Puts a sequence where it belongs among those that wait.
  mutating func enqueue(_ index: Int) {
    let sequence = sequences[index]!
    var (low, high) = (0, groups[sequence.group].waiting.count)
    while low < high {
      let middle = (low + high) / 2
      if sequences[groups[sequence.group].waiting[middle]]!.precedes(sequence) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    groups[sequence.group].waiting.insert(index, at: low)
  }

  /// Takes the pages and the slot of a sequence away; its known tokens stay.
  mutating func evict(_ index: Int) {
    let group = sequences[index]!.group
    groups[group].pool.release(&sequences[index]!.pageTable)
    if let slot = sequences[index]!.slot {
      groups[group].freeSlots.append(slot)
      groups[group].releases.append(slot)
      sequences[index]!.slot = nil
    }
    sequences[index]!.computed = 0
    sequences[index]!.published = 0
    sequences[index]!.needsAdmission = true
  }

  mutating func finish(_ index: Int, _ cause: FinishCause, _ directives: inout [SchedulerDirective]) {
    evict(index)
    let sequence = sequences[index]!
    groups[sequence.group].numTokens -= sequence.tokens.count
    if let place = groups[sequence.group].running.firstIndex(of: index) {
      groups[sequence.group].running.remove(at: place)
    } else if let place = groups[sequence.group].waiting.firstIndex(of: index) {
      groups[sequence.group].waiting.remove(at: place)
    }
    sequences[index] = nil
    freeIndices.append(index)
    indexByID[sequence.id] = nil
    sequencesOfRequest[sequence.request]!.removeAll { $0 == sequence.id }
    let isLast = sequencesOfRequest[sequence.request]!.isEmpty
    if isLast { sequencesOfRequest[sequence.request] = nil }
    directives.append(
      .finished(
        FinishedSequence(
          request: sequence.request, sequence: sequence.id, completion: sequence.completion, cause: cause,
          numPromptTokens: sequence.promptCount, numOutputTokens: sequence.outputCount,
          numCachedTokens: sequence.cachedTokens ?? 0, isLast: isLast)))
  }
}
