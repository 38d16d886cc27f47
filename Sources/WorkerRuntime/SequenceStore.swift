internal import Sampling
internal import Wire

/// The sampling state of every admitted sequence, by slot. All ranks of an attention group keep it, because all must
/// know which rows have to be gathered whole.
struct SequenceStore {
  private var states: [Int32: SamplingState] = [:]

  mutating func admit(_ admission: SequenceAdmission) { states[admission.slot] = SamplingState(admission) }

  mutating func release(_ slot: Int32) { states[slot] = nil }

  /// Whether a token of `slot` is the highest raw logit, so that local maxima are enough.
  func isPlainGreedy(_ slot: Int32) -> Bool {
    guard let state = states[slot] else { return false }
    let parameters = state.parameters
    return parameters.isGreedy && !parameters.usesPenalties && parameters.logprobs == nil
      && parameters.logitBias.isEmpty && !state.isBelowMinimum
  }

  mutating func append(_ token: TokenID, to slot: Int32) { states[slot]?.append(token) }

  /// Draws a token of `slot` from its row of logits.
  mutating func sample(
    _ slot: Int32, logits: Span<Float>, with sampler: inout Sampler
  ) throws(WorkerError) -> Draw {
    guard states[slot] != nil else { throw .badPlan("slot \(slot) samples but was never admitted") }
    do throws(SamplingError) {
      return try sampler.sample(logits, &states[slot]!)
    } catch {
      throw .numeric("slot \(slot): \(error)")
    }
  }
}
