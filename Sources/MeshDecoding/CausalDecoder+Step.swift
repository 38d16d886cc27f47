internal import Engine
internal import KVCaching
internal import Wire

extension CausalDecoder {
  /// Computes one step of a mesh with one attention group.
  public func step(
    _ input: StepInput, _ request: StepRequest = StepRequest()
  ) throws(DecoderError) -> StepOutput {
    try step([input], request)[0]
  }

  /// Computes one step: an input for each attention group, empty ones included.
  ///
  /// - Throws: `DecoderError` of kind `input` before anything is computed when metadata and limits do not fit.
  public func step(
    _ inputs: [StepInput], _ request: StepRequest = StepRequest()
  ) throws(DecoderError) -> [StepOutput] {
    let engine = try loaded("step")
    guard inputs.count == facts.numAttentionGroups else {
      throw DecoderError(
        .input, "\(inputs.count) inputs for \(facts.numAttentionGroups) attention groups; give one for each")
    }
    try check(request)
    var groups: [StepPlan.GroupPlan] = []
    for (index, input) in inputs.enumerated() {
      groups.append(try plan(input, request, inputs.count > 1 ? "attention group \(index): " : ""))
    }
    do throws(EngineError) {
      let results = try engine.run(groups)
      return zip(inputs, results).map { output($1, request) }
    } catch {
      throw DecoderError(error)
    }
  }

  private func check(_ request: StepRequest) throws(DecoderError) {
    guard !request.auxiliaryLayers.isEmpty else { return }
    guard configuration.keepsAuxiliaryHiddenStates else {
      throw DecoderError(
        .input, "auxiliary hidden states need a configuration with keepsAuxiliaryHiddenStates")
    }
    if let wrong = request.auxiliaryLayers.first(where: { !(0...facts.numLayers).contains($0) }) {
      throw DecoderError(.input, "auxiliary layer \(wrong) is outside 0 to \(facts.numLayers)")
    }
  }

  private func plan(
    _ input: StepInput, _ request: StepRequest, _ group: String
  ) throws(DecoderError) -> StepPlan.GroupPlan {
    let sequences = input.sequenceLengths.count
    let tokens = input.tokenIDs.count
    guard input.positions.count == tokens, input.blockTables.count == sequences,
      input.queryStarts.count == sequences + 1, input.queryStarts.first == 0,
      input.queryStarts.last.map({ Int($0) }) == tokens
    else {
      throw DecoderError(
        .input,
        "\(group)\(tokens) tokens, \(input.positions.count) positions, \(input.blockTables.count) block tables, "
          + "\(sequences) lengths and query starts \(input.queryStarts) do not belong together")
    }
    try check(input.tokenIDs)
    guard tokens <= facts.maxBatchedTokens, sequences <= facts.maxSequences else {
      throw DecoderError(
        .input,
        "\(group)\(tokens) tokens of \(sequences) sequences; a step takes at most \(facts.maxBatchedTokens) of "
          + "\(facts.maxSequences)")
    }
    var plan = StepPlan.GroupPlan()
    for sequence in 0..<sequences {
      if let chunk = try chunk(input, sequence, request, group) { plan.chunks.append(chunk) }
    }
    return plan
  }

  private func chunk(
    _ input: StepInput, _ sequence: Int, _ request: StepRequest, _ group: String
  ) throws(DecoderError) -> SequenceChunk? {
    let name = "\(group)sequence \(sequence)"
    let first = Int(input.queryStarts[sequence])
    let end = Int(input.queryStarts[sequence + 1])
    let length = Int(input.sequenceLengths[sequence])
    guard first <= end, end <= input.tokenIDs.count else {
      throw DecoderError(.input, "\(name): its query starts \(first) and \(end) do not ascend")
    }
    guard end > first else { return nil }
    let start = length - (end - first)
    guard start >= 0, length <= facts.maxModelLength else {
      throw DecoderError(
        .input,
        "\(name): \(end - first) tokens of a sequence of \(length); its length must be from the step's tokens to "
          + "\(facts.maxModelLength)")
    }
    for row in first..<end where Int(input.positions[row]) != start + row - first {
      throw DecoderError(
        .input,
        "\(name): position \(input.positions[row]) where \(start + row - first) follows from its length")
    }
    let blocks = (length + facts.blockSize - 1) / facts.blockSize
    let table = input.blockTables[sequence].prefix(blocks)
    guard table.count == blocks, table.allSatisfy({ $0 >= 0 && Int($0) < facts.numBlocks }) else {
      throw DecoderError(
        .input, "\(name): a length of \(length) needs \(blocks) blocks from 0 to \(facts.numBlocks - 1)")
    }
    var output: OutputRequest = request.auxiliaryLayers.isEmpty ? .lastHidden : .hidden
    if request.expertIndices { output.insert(.routing) }
    return SequenceChunk(
      slot: Int32(sequence), startPosition: Int32(start),
      tokens: input.tokenIDs[first..<end].map { TokenID(rawValue: $0) },
      pageTable: table.map { PageID(rawValue: $0) }, output: output)
  }

  /// Puts the chunks' parts together; they come in the order of the rows.
  private func output(_ result: StepResult, _ request: StepRequest) -> StepOutput {
    func matrix(_ index: Int) -> RowMatrix {
      let parts = result.payloads.filter { $0.kind == .hidden && Int($0.index) == index }
      return RowMatrix(
        rows: parts.reduce(0) { $0 + Int($1.rows) }, columns: facts.hiddenSize,
        values: parts.flatMap(\.floats))
    }
    var experts: [Int: [[Int32]]] = [:]
    for payload in result.payloads where payload.kind == .routingExperts {
      let columns = Int(payload.columns)
      let chosen = payload.integers
      experts[Int(payload.index), default: []] += (0..<Int(payload.rows)).map {
        Array(chosen[$0 * columns..<($0 + 1) * columns])
      }
    }
    return StepOutput(
      hidden: matrix(facts.numLayers), auxiliary: request.auxiliaryLayers.map(matrix), expertIndices: experts)
  }
}
