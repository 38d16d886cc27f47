internal import KVCaching
package import Wire

/// The workers of one replica, as far as the scheduler can tell: slots, paged keys and values, results.
///
/// It refuses with a sentence whatever a real worker could not do: a chunk for a slot that nobody holds, a page that is
/// missing, keys and values of other tokens.
package struct FakeReplica: Sendable {
  package let model: FakeModel
  package let pageSize: Int
  /// What was wrong with the plans so far.
  package private(set) var complaints: [String] = []
  package private(set) var lastStep: StepNumber?
  private var groups: [Group]

  private struct Group: Sendable {
    var slots: [Slot?]
    /// The state stored at each place of each page.
    var pages: [UInt64?]
  }

  private struct Slot: Sendable {
    var admission: SequenceAdmission
    var outputCount: Int
  }

  package init(model: FakeModel, numGroups: Int, numPages: Int, pageSize: Int, maxSequences: Int) {
    self.model = model
    self.pageSize = pageSize
    let group = Group(
      slots: Array(repeating: nil, count: maxSequences),
      pages: Array(repeating: nil, count: numPages * pageSize))
    self.groups = Array(repeating: group, count: numGroups)
  }

  /// All that a group held is gone, as after the loss of one of its ranks.
  package mutating func wipe(group: Int) {
    groups[group].slots = groups[group].slots.map { _ in nil }
    groups[group].pages = groups[group].pages.map { _ in nil }
  }

  /// Computes the part of one group.
  package mutating func run(_ plan: StepPlan, group: Int) -> StepResult {
    lastStep = plan.step
    var result = StepResult(epoch: plan.epoch, step: plan.step, group: Int32(group))
    let part = plan.groups[group]
    for slot in part.releases { groups[group].slots[Int(slot)] = nil }
    for admission in part.admissions {
      groups[group].slots[Int(admission.slot)] = Slot(
        admission: admission, outputCount: admission.outputTokens.count)
    }
    if Set(part.chunks.map(\.slot)).count != part.chunks.count { complaints.append("two chunks of one slot") }
    checkPagesAreDisjoint(part)
    for chunk in part.chunks { run(chunk, group, &result) }
    return result
  }

  /// Pages that are written in this step must belong to one sequence only.
  private mutating func checkPagesAreDisjoint(_ part: StepPlan.GroupPlan) {
    var writers: [Int32: Int32] = [:]
    for chunk in part.chunks {
      for position in Int(chunk.startPosition)..<chunk.endPosition {
        guard position / pageSize < chunk.pageTable.count else { continue }
        let page = chunk.pageTable[position / pageSize].rawValue
        if let other = writers.updateValue(chunk.slot, forKey: page), other != chunk.slot {
          complaints.append("slots \(other) and \(chunk.slot) both write page \(page)")
        }
      }
    }
    for chunk in part.chunks {
      for page in chunk.pageTable {
        if let writer = writers[page.rawValue], writer != chunk.slot {
          complaints.append("slot \(chunk.slot) reads page \(page.rawValue), which slot \(writer) writes")
        }
      }
    }
  }

  private mutating func run(_ chunk: SequenceChunk, _ group: Int, _ result: inout StepResult) {
    guard let slot = groups[group].slots[Int(chunk.slot)] else {
      complaints.append("a chunk for slot \(chunk.slot), which nobody holds")
      return
    }
    guard chunk.pageTable.count * pageSize >= chunk.endPosition else {
      complaints.append("a chunk to position \(chunk.endPosition) has \(chunk.pageTable.count) pages")
      return
    }
    var state: UInt64?
    if chunk.startPosition > 0 {
      state = groups[group].pages[place(chunk, Int(chunk.startPosition) - 1)]
      if state == nil { complaints.append("nothing is stored before position \(chunk.startPosition)") }
    }
    var states: [UInt64] = []
    for (offset, token) in chunk.tokens.enumerated() {
      state = model.state(after: state, token)
      groups[group].pages[place(chunk, Int(chunk.startPosition) + offset)] = state
      states.append(state!)
    }
    if chunk.output.contains(.sample) {
      let token = model.draw(
        state!, slot.admission.sampling, randomKey: slot.admission.randomKey,
        suppressed: slot.admission.suppressedTokens, outputCount: slot.outputCount)
      groups[group].slots[Int(chunk.slot)]!.outputCount += 1
      result.sampled.append(SampledToken(slot: chunk.slot, token: token))
    }
    result.payloads += payloads(chunk, states)
  }

  private func place(_ chunk: SequenceChunk, _ position: Int) -> Int {
    chunk.pageTable[position / pageSize].index * pageSize + position % pageSize
  }

  private func payloads(_ chunk: SequenceChunk, _ states: [UInt64]) -> [StepPayload] {
    var found: [StepPayload] = []
    func add(_ kind: StepPayload.Kind, _ start: Int, _ values: [Float]) {
      let bytes = values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
      }
      found.append(
        StepPayload(
          slot: chunk.slot, kind: kind, startPosition: Int32(start), rows: Int32(values.count), columns: 1,
          bytes: bytes))
    }
    if chunk.output.contains(.logits) {
      add(.logits, chunk.endPosition - 1, [Float(states.last! % 1_000_003)])
    }
    if chunk.output.contains(.hidden) {
      add(.hidden, Int(chunk.startPosition), states.map { Float($0 % 1_000_003) })
    }
    if chunk.output.contains(.scoreTargets) {
      let targets = chunk.tokens.dropFirst() + (chunk.nextToken.map { [$0] } ?? [])
      add(.scores, Int(chunk.startPosition), zip(states, targets).map { model.score($0, $1) })
    }
    return found
  }
}
