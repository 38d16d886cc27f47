internal import Glibc

/// Rotary position embedding: base, scaling rule and rotated share of a head.
///
/// Pairs are (i, i + rotaryDim / 2), the half-split form that Hugging Face checkpoints are stored for.
package struct RopeParameters: Sendable, Hashable {
  /// Base of the geometric series of wavelengths.
  package var theta: Double
  package var scaling: RopeScaling
  /// Share of each head that is rotated, in (0, 1].
  package var partialRotaryFactor: Double

  package init(theta: Double, scaling: RopeScaling = .none, partialRotaryFactor: Double = 1) {
    self.theta = theta
    self.scaling = scaling
    self.partialRotaryFactor = partialRotaryFactor
  }

  /// Rotated elements at the front of a head of `headDim`.
  package func rotaryDim(headDim: Int) -> Int {
    Int(Double(headDim) * partialRotaryFactor)
  }
}

/// How positions beyond the trained length are squeezed in.
package enum RopeScaling: Sendable, Hashable {
  case none
  /// Every frequency divided by `factor`.
  case linear(factor: Double)
  /// Base grown with the sequence once it exceeds `maxPositions` (NTK-aware).
  case dynamic(factor: Double, maxPositions: Int)
  /// Low frequencies divided by `factor`, high ones kept, a ramp between (Llama 3.1).
  case llama3(
    factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalMaxPositions: Int)
  /// YaRN: a ramp over dims between interpolation and extrapolation; cos and sin times `attentionFactor`.
  case yarn(
    factor: Double, originalMaxPositions: Int, betaFast: Double, betaSlow: Double, attentionFactor: Double,
    truncate: Bool)
}

extension RopeParameters {
  /// Positions up to which a token's rotation depends on its position alone; nil when it always does.
  ///
  /// Beyond its trained length, dynamic scaling rotates by the length that a sequence has reached when a key
  /// is computed, so results would depend on how a prompt was cut into chunks and on what was cached.
  package var longestSequence: Int? {
    if case .dynamic(_, let maxPositions) = scaling { return maxPositions }
    return nil
  }

  /// Factor on cos and sin; 1 except for YaRN.
  package var attentionFactor: Double {
    if case .yarn(_, _, _, _, let attentionFactor, _) = scaling { return attentionFactor }
    return 1
  }

  /// Angle per position of each rotated pair, `rotaryDim / 2` values, computed in double and rounded once.
  ///
  /// - Parameter sequenceLength: positions in use; only `.dynamic` looks at it, and up to its `maxPositions` the
  ///   answer does not depend on it.
  ///
  /// Sources: RoFormer (arXiv 2104.09864), YaRN (arXiv 2309.00071), the Llama 3.1 model card's frequency
  /// rule.
  package func inverseFrequencies(headDim: Int, sequenceLength: Int = 0) -> [Float] {
    let dim = rotaryDim(headDim: headDim)
    let pairs = dim / 2
    func plain(_ base: Double) -> [Double] {
      (0..<pairs).map { 1 / pow(base, Double(2 * $0) / Double(dim)) }
    }
    switch scaling {
    case .none:
      return plain(theta).map { Float($0) }
    case .linear(let factor):
      return plain(theta).map { Float($0 / factor) }
    case .dynamic(let factor, let maxPositions):
      guard sequenceLength > maxPositions, dim > 2 else { return plain(theta).map { Float($0) } }
      let stretch = factor * Double(sequenceLength) / Double(maxPositions) - (factor - 1)
      return plain(theta * pow(stretch, Double(dim) / Double(dim - 2))).map { Float($0) }
    case .llama3(let factor, let low, let high, let original):
      return plain(theta).map { frequency in
        let turns = Double(original) * frequency / (2 * Double.pi)
        if turns > high { return Float(frequency) }
        if turns < low { return Float(frequency / factor) }
        let smooth = (turns - low) / (high - low)
        return Float((1 - smooth) * frequency / factor + smooth * frequency)
      }
    case .yarn(let factor, let original, let betaFast, let betaSlow, _, let truncate):
      func dimOf(turns: Double) -> Double {
        Double(dim) * log(Double(original) / (turns * 2 * Double.pi)) / (2 * log(theta))
      }
      var low = dimOf(turns: betaFast)
      var high = dimOf(turns: betaSlow)
      if truncate {
        low = low.rounded(.down)
        high = high.rounded(.up)
      }
      low = max(low, 0)
      high = min(high, Double(dim - 1))
      if low == high { high += 0.001 }
      return plain(theta).enumerated().map { index, frequency in
        let interpolated = min(max((Double(index) - low) / (high - low), 0), 1)
        return Float(frequency / factor * interpolated + frequency * (1 - interpolated))
      }
    }
  }
}
