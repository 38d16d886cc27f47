internal import Glibc
import Parsing

extension RopeParameters {
  /// Reads both styles: `rope_theta` beside `rope_scaling`, and `rope_parameters` with everything inside.
  ///
  /// Where both are written, a non-null `rope_scaling` wins, as it does for the reference.
  ///
  /// - Parameter defaultPartial: share of a head that is rotated where the file is silent.
  static func read(
    _ fields: inout ConfigFields, maxPositions: Int, defaultTheta: Double, defaultPartial: Double = 1
  ) throws(ModelConfigError) -> RopeParameters {
    let theta = try fields.number("rope_theta", in: thetaRange)
    let partial = try fields.number("partial_rotary_factor", in: partialRange) ?? defaultPartial
    let original = try fields.integer("original_max_position_embeddings", in: 1...ModelLimits.maxPositions)
    let parameters = try fields.fields("rope_parameters")
    let scaling = try fields.fields("rope_scaling")
    guard var inner = scaling ?? parameters else {
      return RopeParameters(theta: theta ?? defaultTheta, partialRotaryFactor: partial)
    }
    return try read(
      inside: &inner, maxPositions: maxPositions, originalMaxPositions: original,
      theta: theta ?? defaultTheta, partial: partial)
  }

  /// Reads one parameter object; `theta`, `partial` and `originalMaxPositions` come from outside of it.
  static func read(
    inside fields: inout ConfigFields, maxPositions: Int, originalMaxPositions: Int?, theta: Double,
    partial: Double?
  ) throws(ModelConfigError) -> RopeParameters {
    let newName = try fields.string("rope_type")
    let oldName = try fields.string("type")
    let name = newName ?? oldName ?? "default"
    let innerTheta = try fields.number("rope_theta", in: thetaRange)
    let innerPartial = try fields.number("partial_rotary_factor", in: partialRange)
    let innerOriginal = try fields.integer(
      "original_max_position_embeddings", in: 1...ModelLimits.maxPositions)
    let original = originalMaxPositions ?? innerOriginal ?? maxPositions
    let scaling: RopeScaling
    switch name {
    case "default", "none":
      fields.accept(["factor"])
      scaling = .none
    case "linear":
      scaling = .linear(factor: try factor(&fields))
    case "dynamic":
      scaling = .dynamic(factor: try factor(&fields), maxPositions: maxPositions)
    case "llama3":
      scaling = try llama3(&fields, original: original)
    case "yarn":
      scaling = try yarn(&fields, original: original, maxPositions: maxPositions)
    default:
      throw ModelConfigError(
        "\(fields.place): rope_type \(describe(.string(name))) is not supported; supported are default, linear, "
          + "dynamic, llama3 and yarn")
    }
    try fields.refuseUnknown(harmless: ["finetuned"], modelName: "rope_type \(name)")
    return RopeParameters(
      theta: innerTheta ?? theta, scaling: scaling, partialRotaryFactor: innerPartial ?? partial ?? 1)
  }

  private static let thetaRange = 1.001...1e15
  private static let partialRange = 0.001...1.0
  private static let factorRange = 0.01...1e6

  private static func factor(_ fields: inout ConfigFields) throws(ModelConfigError) -> Double {
    guard let factor = try fields.number("factor", in: factorRange) else {
      throw ModelConfigError("\(fields.place) has no factor, which this kind of scaling needs")
    }
    return factor
  }

  private static func llama3(
    _ fields: inout ConfigFields, original: Int
  ) throws(ModelConfigError) -> RopeScaling {
    let factor = try factor(&fields)
    guard let low = try fields.number("low_freq_factor", in: factorRange),
      let high = try fields.number("high_freq_factor", in: factorRange), low < high
    else {
      throw ModelConfigError(
        "\(fields.place): rope_type llama3 needs low_freq_factor and high_freq_factor, the first below the second"
      )
    }
    return .llama3(
      factor: factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalMaxPositions: original)
  }

  private static func yarn(
    _ fields: inout ConfigFields, original: Int, maxPositions: Int
  ) throws(ModelConfigError) -> RopeScaling {
    let factor =
      try fields.number("factor", in: factorRange) ?? Double(maxPositions) / Double(original)
    // Zero means "use the default" to the reference, for the betas and for both mscales.
    let betaFast = try nonZero(fields.number("beta_fast", in: 0...1e6)) ?? 32
    let betaSlow = try nonZero(fields.number("beta_slow", in: 0...1e6)) ?? 1
    let scale = try nonZero(fields.number("mscale", in: 0...1e3))
    let scaleAllDims = try nonZero(fields.number("mscale_all_dim", in: 0...1e3))
    let attention = try fields.number("attention_factor", in: 1e-3...1e3)
    let truncate = try fields.bool("truncate") ?? true
    guard betaFast > betaSlow else {
      throw ModelConfigError(
        "\(fields.place): beta_fast is \(betaFast) and beta_slow is \(betaSlow); beta_fast must be the larger"
      )
    }
    func strength(_ scale: Double) -> Double { factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1 }
    var inferred = strength(1)
    if let scale, let scaleAllDims { inferred = strength(scale) / strength(scaleAllDims) }
    return .yarn(
      factor: factor, originalMaxPositions: original, betaFast: betaFast, betaSlow: betaSlow,
      attentionFactor: attention ?? inferred, truncate: truncate)
  }

  private static func nonZero(_ value: Double?) -> Double? { value == 0 ? nil : value }
}
