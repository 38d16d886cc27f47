internal import Compute
internal import KVCaching
internal import Layers
internal import Models
internal import Sampling
internal import Tensors
internal import Topology
internal import Wire

/// One row of logits and what it is for.
struct SampledRow {
  /// Index into the plan group's chunks.
  var chunk: Int
  /// Row of the chunk.
  var offset: Int
  /// Whether the whole row is gathered, not only the local maxima.
  var whole: Bool
}

extension StepRunner {
  /// Candidates of all rows, and whole rows where needed, go to the first rank of the attention group.
  func gatherLogits() throws(WorkerError) {
    guard let logits = program.places.logits, let candidates = program.places.candidates else { return }
    let geometry = program.geometry
    if let normed = program.places.sampled {
      let isBroken = memory.withInts(normed, count: sampled.count * program.hiddenSize) {
        NumericGuard.isBroken($0)
      }
      if isBroken { throw .numeric("the last hidden state is not finite or beyond all bounds") }
    }
    let own = geometry.vocabulary
    let reporter = geometry.attentionGroup.ranks[0]
    list.removeAll()
    if geometry.rank != reporter, !own.isEmpty {
      list.send(to: reporter, byteOffset: candidates.byteOffset, byteCount: sampled.count * 8)
      for (row, entry) in sampled.enumerated() where entry.whole {
        list.send(to: reporter, byteOffset: logits.byteOffset + row * own.count * 4, byteCount: own.count * 4)
      }
    } else if let rows = program.places.gatheredLogits, let heads = program.places.gatheredCandidates {
      for (index, peer) in geometry.attentionGroup.ranks.enumerated() where peer != geometry.rank {
        let slice = geometry.vocabularySlices[index]
        guard !slice.isEmpty else { continue }
        list.receive(
          from: peer, byteOffset: heads.byteOffset + index * sampled.count * 8, byteCount: sampled.count * 8)
        for (row, entry) in sampled.enumerated() where entry.whole {
          list.receive(
            from: peer, byteOffset: rows.byteOffset + (row * program.vocabularySize + slice.lowerBound) * 4,
            byteCount: slice.count * 4)
        }
      }
      memory.move(floats: sampled.count * 2, from: candidates, to: heads)
      for (row, entry) in sampled.enumerated() where entry.whole {
        memory.move(
          floats: own.count, from: logits.advanced(byFloats: row * own.count),
          to: rows.advanced(byFloats: row * program.vocabularySize + own.lowerBound))
      }
    }
    listDigests()
    list.finish()
    try exchanges.gather(list.plan, memory: memory)
    try compareDigests()
  }

  /// Puts what the step produced for this rank's attention group into `result`.
  func report(_ plan: StepPlan) throws(WorkerError) {
    result.begin(epoch: plan.epoch, step: plan.step, group: Int32(planGroup))
    let group = plan.groups[planGroup]
    var scores: [Float] = []
    for (row, entry) in sampled.enumerated() {
      let chunk = group.chunks[entry.chunk]
      if chunk.output.contains(.scoreTargets) {
        let next = entry.offset + 1 < chunk.tokens.count ? chunk.tokens[entry.offset + 1] : chunk.nextToken
        scores.append(next.map { score(row, target: $0) } ?? 0)
      }
      guard entry.offset == chunk.tokens.count - 1 else { continue }
      if chunk.output.contains(.logits) { result.payloads.append(logitsPayload(chunk, row: row)) }
      if chunk.output.contains(.sample) {
        result.sampled.append(try draw(chunk.slot, row: row, whole: entry.whole))
      }
      if !scores.isEmpty {
        result.payloads.append(
          payload(chunk, .scores, rows: scores.count, columns: 1, bytes: scores.littleEndianBytes))
        scores.removeAll()
      }
    }
    appendCaptures(group, to: &result)
  }

  private func score(_ row: Int, target: TokenID) -> Float {
    guard let rows = program.places.gatheredLogits else { return 0 }
    let place = rows.advanced(byFloats: row * program.vocabularySize)
    return memory.withFloats(place, count: program.vocabularySize) { sampler.score($0, target: target) }
  }

  private func draw(_ slot: Int32, row: Int, whole: Bool) throws(WorkerError) -> SampledToken {
    guard whole, let rows = program.places.gatheredLogits else {
      let token = try bestCandidate(row)
      sequences.append(token, to: slot)
      return SampledToken(slot: slot, token: token)
    }
    let place = rows.advanced(byFloats: row * program.vocabularySize)
    let outcome = memory.withFloats(place, count: program.vocabularySize) { logits in
      Result { () throws(WorkerError) in try sequences.sample(slot, logits: logits, with: &sampler) }
    }
    let draw = try outcome.get()
    return SampledToken(slot: slot, token: draw.token, logprobs: draw.logprobs)
  }

  /// The highest of the group's local maxima; vocabulary slices ascend, so the first of equals has the lowest
  /// id.
  private func bestCandidate(_ row: Int) throws(WorkerError) -> TokenID {
    guard let heads = program.places.gatheredCandidates else { throw .badPlan("this rank does not sample") }
    var best = -Float.infinity
    var token: Int32 = -1
    for (index, slice) in program.geometry.vocabularySlices.enumerated() where !slice.isEmpty {
      let place = heads.advanced(byFloats: (index * sampled.count + row) * 2)
      memory.withInts(place, count: 2) { pair in
        let value = Float(bitPattern: UInt32(bitPattern: pair[0]))
        if value > best { (best, token) = (value, pair[1]) }
      }
    }
    guard token >= 0, best < 0x1p64 else {
      throw .numeric(
        "rank \(program.geometry.rank): the logits of a row hold no finite maximum; a weight or activation is broken"
      )
    }
    return TokenID(rawValue: token)
  }

  private func logitsPayload(_ chunk: SequenceChunk, row: Int) -> StepPayload {
    let place = program.places.gatheredLogits?.advanced(byFloats: row * program.vocabularySize)
    let bytes = place.map { memory.bytes($0, count: program.vocabularySize * 4) } ?? []
    return payload(chunk, .logits, rows: 1, columns: program.vocabularySize, bytes: bytes)
  }

  private func payload(
    _ chunk: SequenceChunk, _ kind: StepPayload.Kind, index: Int = 0, rows: Int, columns: Int, bytes: [UInt8]
  ) -> StepPayload {
    StepPayload(
      slot: chunk.slot, kind: kind, index: Int32(index), startPosition: chunk.startPosition,
      rows: Int32(rows),
      columns: Int32(columns), bytes: bytes)
  }

  /// Hidden states (embedding, each layer, final norm) and routing of the chunks that asked for them.
  private func appendCaptures(_ group: StepPlan.GroupPlan, to result: inout StepResult) {
    var firstRow = 0
    var firstSampled = 0
    let width = program.hiddenSize
    for chunk in group.chunks {
      let rows = chunk.tokens.count
      if chunk.output.contains(.hidden), let captures = tables.captureRegion,
        let normed = program.places.sampled
      {
        for index in 0..<program.places.captureCount {
          let place = captures.advanced(byFloats: (index * tables.captureRows + firstRow) * width)
          result.payloads.append(
            payload(
              chunk, .hidden, index: index, rows: rows, columns: width,
              bytes: memory.bytes(place, count: rows * width * 4)))
        }
        let bytes = memory.bytes(normed.advanced(byFloats: firstSampled * width), count: rows * width * 4)
        result.payloads.append(
          payload(
            chunk, .hidden, index: program.places.captureCount, rows: rows, columns: width, bytes: bytes))
      }
      if chunk.output.contains(.lastHidden) {
        let place = program.places.residual.advanced(byFloats: firstRow * width)
        result.payloads.append(
          payload(
            chunk, .hidden, index: program.geometry.plan.model.layers.count, rows: rows,
            columns: width, bytes: memory.bytes(place, count: rows * width * 4)))
      }
      if chunk.output.contains(.routing) { appendRouting(chunk, firstRow: firstRow, to: &result) }
      firstRow += rows
      firstSampled += sampledRowCount(chunk)
    }
  }

  private func sampledRowCount(_ chunk: SequenceChunk) -> Int {
    if !chunk.output.isDisjoint(with: .everyHeadRow) { return chunk.tokens.count }
    return chunk.output.isDisjoint(with: .lastRow) ? 0 : 1
  }

  private func appendRouting(_ chunk: SequenceChunk, firstRow: Int, to result: inout StepResult) {
    guard let experts = program.places.experts else { return }
    let bytes = chunk.tokens.count * experts.numChosen * 4
    let first = firstRow * experts.numChosen * 4
    for layer in routing.layers {
      for (kind, values) in [
        (StepPayload.Kind.routingExperts, layer.experts), (.routingWeights, layer.weights),
      ] {
        result.payloads.append(
          payload(
            chunk, kind, index: layer.layer, rows: chunk.tokens.count, columns: experts.numChosen,
            bytes: Array(values[first..<first + bytes])))
      }
    }
  }
}

extension [Float] {
  /// The values as f32 little-endian bytes.
  var littleEndianBytes: [UInt8] {
    flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
  }
}
