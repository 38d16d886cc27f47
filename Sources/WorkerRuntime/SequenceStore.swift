internal import Sampling
internal import Wire

/// The sampling state of every admitted sequence, by slot. All ranks of an attention group keep it, because all must
/// know which rows have to be gathered whole.
struct SequenceStore {
  /// By slot; an array, because changing a dictionary's value in place allocates.
  private var states: [SamplingState?]

  init(maxSequences: Int) { states = Array(repeating: nil, count: maxSequences) }

  mutating func admit(_ admission: SequenceAdmission) throws(WorkerError) {
    guard states.indices.contains(Int(admission.slot)) else {
      throw .badPlan("slot \(admission.slot) is outside 0..<\(states.count)")
    }
    states[Int(admission.slot)] = SamplingState(admission)
  }

  mutating func release(_ slot: Int32) {
    if states.indices.contains(Int(slot)) { states[Int(slot)] = nil }
  }

  private func state(_ slot: Int32) -> SamplingState? {
    states.indices.contains(Int(slot)) ? states[Int(slot)] : nil
  }

  /// Whether a token of `slot` is the highest raw logit, so that local maxima are enough.
  func isPlainGreedy(_ slot: Int32) -> Bool {
    guard let state = state(slot) else { return false }
    let parameters = state.parameters
    return parameters.isGreedy && !parameters.usesPenalties && parameters.logprobs == nil
      && parameters.logitBias.isEmpty && !state.isBelowMinimum
  }

  mutating func append(_ token: TokenID, to slot: Int32) {
    if states.indices.contains(Int(slot)) { states[Int(slot)]?.append(token) }
  }

  /// Draws a token of `slot` from its row of logits.
  mutating func sample(
    _ slot: Int32, logits: Span<Float>, with sampler: inout Sampler
  ) throws(WorkerError) -> Draw {
    guard state(slot) != nil else { throw .badPlan("slot \(slot) samples but was never admitted") }
    do throws(SamplingError) {
      return try sampler.sample(logits, &states[Int(slot)]!)
    } catch {
      throw .numeric("slot \(slot): \(error)")
    }
  }
}
