import Parsing

/// What a family assumes where `config.json` is silent.
struct FamilyDefaults {
  var theta: Double = 10_000
  var epsilon: Double = 1e-6
  var maxPositions: Int = 32_768
  var bosTokenID: Int?
  var eosTokenIDs: [Int] = []
  var tieWordEmbeddings = false
  /// Nil: `hidden_size / num_attention_heads`.
  var headDim: Int?
  var activationKey = "hidden_act"
  var activation: Activation = .silu
}

extension ModelConfig {
  /// Reads the members that all families share; the caller sets what is special afterwards.
  ///
  /// Attention sees all positions, nothing has a bias, and there are no experts.
  static func common(
    _ fields: inout ConfigFields, _ family: ModelFamily, _ architecture: String, _ defaults: FamilyDefaults
  ) throws(ModelConfigError) -> ModelConfig {
    let hiddenSize = try fields.requiredInteger("hidden_size", in: ModelLimits.hiddenSize)
    let numLayers = try fields.requiredInteger("num_hidden_layers", in: ModelLimits.layers)
    let numQueryHeads = try fields.requiredInteger("num_attention_heads", in: ModelLimits.heads)
    let numKVHeads = try fields.integer("num_key_value_heads", in: ModelLimits.heads) ?? numQueryHeads
    let headDim = try headDim(
      &fields, hiddenSize: hiddenSize, numQueryHeads: numQueryHeads, familyDefault: defaults.headDim)
    let positions = try fields.integer("max_position_embeddings", in: 1...ModelLimits.maxPositions)
    let oldPositions = try fields.integer("max_sequence_length", in: 1...ModelLimits.maxPositions)
    return ModelConfig(
      family: family, architecture: architecture,
      hiddenSize: hiddenSize, numLayers: numLayers, numQueryHeads: numQueryHeads, numKVHeads: numKVHeads,
      headDim: headDim,
      intermediateSize: try fields.requiredInteger("intermediate_size", in: ModelLimits.intermediateSize),
      vocabSize: try fields.requiredInteger("vocab_size", in: ModelLimits.vocabSize),
      maxPositionEmbeddings: positions ?? oldPositions ?? defaults.maxPositions,
      rmsNormEpsilon: try fields.number("rms_norm_eps", in: 0...0.1) ?? defaults.epsilon,
      activation: try activation(&fields, defaults),
      rope: RopeParameters(theta: defaults.theta), localRope: nil,
      tieWordEmbeddings: try fields.bool("tie_word_embeddings") ?? defaults.tieWordEmbeddings,
      queryKeyValueBias: false, outputBias: false, mlpBias: false, queryKeyNorm: false,
      slidingWindows: Array(repeating: nil, count: numLayers),
      attentionScale: 1 / Double(headDim).squareRoot(),
      attentionSoftcap: nil, logitSoftcap: nil, normWeightOffset: 0, sandwichNorms: false, embeddingScale: 1,
      moe: nil,
      bosTokenID: try fields.tokenIDs("bos_token_id").map(\.first) ?? defaults.bosTokenID,
      eosTokenIDs: try fields.tokenIDs("eos_token_id") ?? defaults.eosTokenIDs,
      storedDType: try storedDType(&fields),
      initializerRange: try fields.number("initializer_range", in: 0...1) ?? 0.02)
  }

  private static func headDim(
    _ fields: inout ConfigFields, hiddenSize: Int, numQueryHeads: Int, familyDefault: Int?
  ) throws(ModelConfigError) -> Int {
    if let headDim = try fields.integer("head_dim", in: ModelLimits.headDim) { return headDim }
    if let familyDefault { return familyDefault }
    let (headDim, remainder) = hiddenSize.quotientAndRemainder(dividingBy: numQueryHeads)
    guard remainder == 0, ModelLimits.headDim.contains(headDim) else {
      throw ModelConfigError(
        "\(fields.place): hidden_size \(hiddenSize) does not split into \(numQueryHeads) attention heads of equal "
          + "width, and head_dim is not given")
    }
    return headDim
  }

  private static func activation(
    _ fields: inout ConfigFields, _ defaults: FamilyDefaults
  ) throws(ModelConfigError) -> Activation {
    guard let name = try fields.string(defaults.activationKey) else { return defaults.activation }
    switch name {
    case "silu", "swish": return .silu
    case "gelu_pytorch_tanh", "gelu_new": return .geluTanh
    default:
      throw ModelConfigError(
        "\(fields.place): \(defaults.activationKey) is \(describe(.string(name))); supported are silu and "
          + "gelu_pytorch_tanh")
    }
  }

  /// Per-layer windows from `layer_types` when written, otherwise from `isSliding`.
  ///
  /// - Parameter window: positions that a sliding layer sees, or nil when no layer slides.
  static func windows(
    _ fields: inout ConfigFields, numLayers: Int, window: Int?, isSliding: (Int) -> Bool
  ) throws(ModelConfigError) -> [Int?] {
    guard let types = try fields.strings("layer_types") else {
      return (0..<numLayers).map { isSliding($0) ? window : nil }
    }
    guard types.count == numLayers else {
      throw ModelConfigError(
        "\(fields.place): layer_types has \(types.count) entries; it must have one for each of the \(numLayers) layers"
      )
    }
    var windows: [Int?] = []
    for (layer, type) in types.enumerated() {
      switch type {
      case "full_attention": windows.append(nil)
      case "sliding_attention":
        guard let window else {
          throw ModelConfigError(
            "\(fields.place): layer_types makes layer \(layer) slide, but no sliding window is switched on")
        }
        windows.append(window)
      default:
        throw ModelConfigError(
          "\(fields.place): layer_types entry \(layer) is \(describe(.string(type))); supported are full_attention "
            + "and sliding_attention")
      }
    }
    return windows
  }

  /// Checks what no single member shows.
  func validate(place: String) throws(ModelConfigError) {
    guard numQueryHeads % numKVHeads == 0 else {
      throw ModelConfigError(
        "\(place): num_attention_heads \(numQueryHeads) is not a multiple of num_key_value_heads \(numKVHeads)"
      )
    }
    for rope in [rope, localRope].compactMap({ $0 }) {
      let rotary = rope.rotaryDim(headDim: headDim)
      guard rotary >= 2, rotary % 2 == 0 else {
        throw ModelConfigError(
          "\(place): head_dim \(headDim) with partial_rotary_factor \(rope.partialRotaryFactor) rotates \(rotary) "
            + "elements; it must be an even number of at least 2")
      }
    }
    guard parameterEstimate <= ModelLimits.parameters else {
      throw ModelConfigError(
        "\(place) describes a model of about \(parameterEstimate) parameters; at most \(ModelLimits.parameters) are "
          + "allowed")
    }
    try moe?.validate(place: place)
  }

  /// Elements of all matrices, in floating point so that absurd sizes cannot overflow.
  private var parameterEstimate: Double {
    let hidden = Double(hiddenSize)
    let heads = Double(2 * (numQueryHeads + numKVHeads)) * Double(headDim)
    let experts = moe.map { Double($0.numExperts) * Double($0.intermediateSize) } ?? 0
    let width = max(Double(intermediateSize), experts)
    return Double(numLayers) * hidden * (heads + 3 * width) + 2 * Double(vocabSize) * hidden
  }
}
