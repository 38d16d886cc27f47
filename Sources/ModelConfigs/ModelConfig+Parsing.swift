package import Parsing
import Tensors

extension ModelConfig {
  /// Reads the content of a Hugging Face `config.json`, optionally changed by `--hf-overrides` first.
  ///
  /// A nested `text_config` is the model; what stands around it is ignored. Both the flat style
  /// (`rope_theta`, `rope_scaling`, `torch_dtype`) and the newer one (`rope_parameters`, `dtype`) are read.
  /// - Throws: one sentence for the first thing that is missing, out of range or not supported.
  package init(json: JSONValue, overrides: JSONObject? = nil) throws(ModelConfigError) {
    guard var root = json.object else {
      throw ModelConfigError("config.json holds \(json.kindName); it must hold an object")
    }
    if let overrides { root = try ConfigOverrides.apply(overrides, to: root) }
    var outer = ConfigFields(root, place: "config.json")
    try Self.refuseQuantized(&outer)
    guard var inner = try outer.fields("text_config") else {
      let identity = try Self.identity(&outer, outer: nil)
      self = try Self.read(&outer, identity)
      return
    }
    try Self.refuseQuantized(&inner)
    let identity = try Self.identity(&inner, outer: outer)
    self = try Self.read(&inner, identity)
    if !inner.isWritten("eos_token_id"), let ids = try outer.tokenIDs("eos_token_id") { eosTokenIDs = ids }
    if !inner.isWritten("bos_token_id"), let ids = try outer.tokenIDs("bos_token_id") {
      bosTokenID = ids.first
    }
    if storedDType == nil { storedDType = try Self.storedDType(&outer) }
  }

  private typealias Identity = (family: ModelFamily, architecture: String)

  /// Which family: by class name, otherwise by `model_type`; the text part speaks before what surrounds it.
  private static func identity(
    _ fields: inout ConfigFields, outer: ConfigFields?
  ) throws(ModelConfigError) -> Identity {
    let architecture = try fields.strings("architectures")?.first
    let modelType = try fields.string("model_type")
    let byType = modelType.flatMap { ModelFamily(rawValue: $0) }
    if let architecture {
      guard let family = ModelFamily.named(architecture: architecture) else {
        throw unsupported("architecture", architecture, fields)
      }
      if let byType, byType != family {
        throw ModelConfigError(
          "\(fields.place): architectures says \(architecture) but model_type says \(byType.rawValue); they must agree"
        )
      }
      return (family, architecture)
    }
    if let byType { return (byType, byType.architectures[0]) }
    if let modelType { throw unsupported("model_type", modelType, fields) }
    guard var outer else {
      throw ModelConfigError(
        "\(fields.place) has neither architectures nor model_type; supported are \(ModelFamily.supportedArchitectures)"
      )
    }
    return try identity(&outer, outer: nil)
  }

  private static func unsupported(_ key: String, _ name: String, _ fields: ConfigFields) -> ModelConfigError {
    ModelConfigError(
      "\(fields.place): the \(key) \(describe(.string(name))) is not supported; supported are "
        + ModelFamily.supportedArchitectures)
  }

  private static func refuseQuantized(_ fields: inout ConfigFields) throws(ModelConfigError) {
    for key in ["quantization_config", "quantization", "compression_config"] {
      guard let value = fields.value(key) else { continue }
      let method = value["quant_method"]?.string ?? describe(value)
      throw ModelConfigError(
        "\(fields.place): \(key) says that the weights are quantized (\(method)); "
          + "use a checkpoint stored as bf16, f16 or f32")
    }
  }

  private static func read(
    _ fields: inout ConfigFields, _ identity: Identity
  ) throws(ModelConfigError) -> ModelConfig {
    let config: ModelConfig
    switch identity.family {
    case .llama: config = try Llama.config(&fields, identity.architecture)
    case .mistral: config = try Mistral.config(&fields, identity.architecture)
    case .qwen2: config = try Qwen2.config(&fields, identity.architecture)
    case .qwen3: config = try Qwen3.config(&fields, identity.architecture)
    case .qwen3MoE: config = try Qwen3MoE.config(&fields, identity.architecture)
    case .qwen2MoE: config = try Qwen2MoE.config(&fields, identity.architecture)
    case .mixtral: config = try Mixtral.config(&fields, identity.architecture)
    case .glm4MoE: config = try Glm4MoE.config(&fields, identity.architecture)
    case .dots1: config = try Dots1.config(&fields, identity.architecture)
    case .gemma3Text: config = try Gemma3Text.config(&fields, identity.architecture)
    }
    try fields.refuseUnknown(harmless: HarmlessFields.all, modelName: identity.architecture)
    try config.validate(place: fields.place)
    return config
  }

  /// `dtype` or `torch_dtype`; nil when absent or "auto".
  static func storedDType(_ fields: inout ConfigFields) throws(ModelConfigError) -> DType? {
    let newName = try fields.string("dtype")
    let oldName = try fields.string("torch_dtype")
    guard let name = newName ?? oldName, name != "auto" else { return nil }
    switch name.hasPrefix("torch.") ? String(name.dropFirst(6)) : name {
    case "bfloat16": return .bf16
    case "float16", "half": return .f16
    case "float32", "float": return .f32
    default:
      throw ModelConfigError(
        "\(fields.place): dtype is \(describe(.string(name))); it must be bfloat16, float16 or float32")
    }
  }
}
