import Kernels

/// How a model stretches rotary positions beyond the context that it was trained on; the rules of `rope_scaling`.
package enum RopeScaling: Sendable, Hashable {
  case none
  /// Positions divided by `factor`.
  case linear(factor: Double)
  /// The base grows with the sequence (NTK-aware); no change up to `originalMaxPositions`.
  case dynamic(factor: Double, originalMaxPositions: Int, sequenceLength: Int)
  /// Low frequencies divided by `factor`, high ones kept, a smooth ramp between.
  case llama3(
    factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalMaxPositions: Int)
  /// YaRN (Peng et al. 2023). Nil `attentionFactor` is derived from `factor`, `mscale` and `mscaleAllDim`.
  case yarn(
    factor: Double, originalMaxPositions: Int, betaFast: Double = 32, betaSlow: Double = 1,
    attentionFactor: Double? = nil, mscale: Double? = nil, mscaleAllDim: Double? = nil, truncate: Bool = true)
}

/// Rotation speeds of one model: what a rotary table is made from.
///
/// Values follow the transformers library step by step in f32 (powers correctly rounded, where the library's may be
/// off by one unit in the last place), because an angle multiplies their error by the position.
package struct RopeFrequencies: Sendable, Hashable {
  /// Radians per position of pair i, f32; `rotaryDim / 2` of them.
  package let inverse: [Float]
  /// Factor of every cosine and sine.
  package let attentionFactor: Float

  /// Elements of a head that are rotated.
  package var rotaryDim: Int { inverse.count * 2 }

  /// - Parameters:
  ///   - rotaryDim: rotated elements of a head, even: headDim times the partial rotary factor.
  ///   - base: `rope_theta`.
  package init(rotaryDim: Int, base: Double, scaling: RopeScaling = .none) {
    precondition(rotaryDim >= 2 && rotaryDim & 1 == 0, "rotaryDim \(rotaryDim) is not a positive even number")
    let plain = Self.powers(rotaryDim, base).map { 1 / $0 }
    switch scaling {
    case .none:
      self.init(inverse: plain)
    case .linear(let factor):
      self.init(inverse: plain.map { $0 / Float(factor) })
    case .dynamic(let factor, let original, let sequenceLength):
      let length = Double(max(sequenceLength, original))
      let dim = Double(rotaryDim)
      let stretch = factor * length / Double(original) - (factor - 1)
      let stretched = rotaryDim == 2 ? base : base * Kernels.power(stretch, dim / (dim - 2))
      self.init(inverse: Self.powers(rotaryDim, stretched).map { 1 / $0 })
    case .llama3(let factor, let low, let high, let original):
      self.init(inverse: plain.map { Self.llama3($0, Float(factor), low, high, Double(original)) })
    case .yarn(
      let factor, let original, let fast, let slow, let attention, let mscale, let allDim, let truncate):
      let range = Self.correctionRange(rotaryDim, base, Double(original), fast, slow, truncate)
      let powers = Self.powers(rotaryDim, base)
      self.init(
        inverse: powers.indices.map { Self.yarn(powers[$0], $0, Float(factor), range) },
        attentionFactor: Float(attention ?? Self.attentionFactor(factor, mscale, allDim)))
    }
  }

  private init(inverse: [Float], attentionFactor: Float = 1) {
    self.inverse = inverse
    self.attentionFactor = attentionFactor
  }

  /// base^(2i / dim) with the exponent rounded to f32 first.
  private static func powers(_ rotaryDim: Int, _ base: Double) -> [Float] {
    (0..<rotaryDim / 2).map { i in
      Float(Kernels.power(Double(Float(base)), Double(Float(2 * i) / Float(rotaryDim))))
    }
  }

  private static func llama3(
    _ frequency: Float, _ factor: Float, _ low: Double, _ high: Double, _ original: Double
  ) -> Float {
    let wavelength = Float(2 * Double.pi) / frequency
    if wavelength > Float(original / low) { return frequency / factor }
    if wavelength < Float(original / high) { return frequency }
    let smooth = (Float(original) / wavelength - Float(low)) / Float(high - low)
    return (1 - smooth) * frequency / factor + smooth * frequency
  }

  /// Between which pairs YaRN fades from extrapolation to interpolation.
  private static func correctionRange(
    _ rotaryDim: Int, _ base: Double, _ original: Double, _ fast: Double, _ slow: Double, _ truncate: Bool
  ) -> (low: Double, high: Double) {
    func dim(_ rotations: Double) -> Double {
      Double(rotaryDim) * Kernels.logarithm(original / (rotations * 2 * Double.pi))
        / (2 * Kernels.logarithm(base))
    }
    var (low, high) = (dim(fast), dim(slow))
    if truncate {
      low = low.rounded(.down)
      high = high.rounded(.up)
    }
    low = max(low, 0)
    high = min(high, Double(rotaryDim - 1))
    return (low, low == high ? high + 0.001 : high)
  }

  private static func yarn(
    _ power: Float, _ index: Int, _ factor: Float, _ range: (low: Double, high: Double)
  ) -> Float {
    let ramp = (Float(index) - Float(range.low)) / Float(range.high - range.low)
    let keep = 1 - min(max(ramp, 0), 1)
    return (1 / (factor * power)) * (1 - keep) + (1 / power) * keep
  }

  /// YaRN's factor of attention logits, folded into the table.
  private static func attentionFactor(_ factor: Double, _ mscale: Double?, _ allDim: Double?) -> Double {
    func scale(_ m: Double) -> Double { factor <= 1 ? 1 : 0.1 * m * Kernels.logarithm(factor) + 1 }
    if let mscale, let allDim, mscale != 0, allDim != 0 { return scale(mscale) / scale(allDim) }
    return scale(1)
  }
}
