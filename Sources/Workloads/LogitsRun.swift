package import Engine
internal import Scheduling
internal import Wire

/// Computes last-position logits of prompts, and hidden states and routing on request, for comparison with other
/// runtimes.
package struct LogitsRun {
  private let engine: MeshEngine
  private let outputs: OutputRequest

  package init(engine: MeshEngine, hiddenStates: Bool, routing: Bool) {
    self.engine = engine
    var outputs: OutputRequest = .logits
    if hiddenStates { outputs.insert(.hidden) }
    if routing { outputs.insert(.routing) }
    self.outputs = outputs
  }

  /// Tensors `logits.<i>`, `hidden.<i>.<j>`, `router.<i>.<layer>.experts|weights` for every prompt i.
  package func run(
    _ prompts: [PromptInput], progress: (Int) -> Void = { _ in }
  ) throws -> [SafetensorsFile.Tensor] {
    var parts: [String: Part] = [:]
    var order: [String] = []
    var finished = 0
    var refusal: EngineError?
    for (index, prompt) in prompts.enumerated() {
      engine.submit(
        GenerationRequest(
          id: RequestID(rawValue: UInt64(index)), promptTokens: prompt.tokens, outputs: outputs))
    }
    try engine.run { event in
      switch event {
      case .payload(let payload):
        let name = Self.name(payload.payload, prompt: Int(payload.request.rawValue))
        if parts[name] == nil { order.append(name) }
        parts[name, default: Part(payload.payload)].append(payload.payload)
      case .finished(let end):
        finished += 1
        progress(finished)
        if case .failure(let text) = end.cause { refusal = EngineError(.failure, text) }
      case .refused(let id, let text):
        refusal = EngineError(.configuration, "prompt \(id.rawValue): \(text)")
      case .loading, .ready, .alarm, .token, .membership: break
      }
    }
    if let refusal { throw refusal }
    return order.compactMap { name in parts[name]?.tensor(name) }
  }

  private static func name(_ payload: StepPayload, prompt: Int) -> String {
    switch payload.kind {
    case .logits: "logits.\(prompt)"
    case .scores: "scores.\(prompt)"
    case .hidden: "hidden.\(prompt).\(payload.index)"
    case .routingExperts: "router.\(prompt).\(payload.index).experts"
    case .routingWeights: "router.\(prompt).\(payload.index).weights"
    }
  }

  /// Rows of one tensor, which arrive chunk by chunk of the prompt.
  private struct Part {
    let kind: StepPayload.Kind
    let columns: Int
    var rows = 0
    var bytes: [UInt8] = []

    init(_ payload: StepPayload) {
      kind = payload.kind
      columns = Int(payload.columns)
    }

    mutating func append(_ payload: StepPayload) {
      rows += Int(payload.rows)
      bytes += payload.bytes
    }

    func tensor(_ name: String) -> SafetensorsFile.Tensor {
      SafetensorsFile.Tensor(
        name: name, dtype: kind == .routingExperts ? "I32" : "F32",
        shape: kind == .logits ? [columns] : [rows, columns], bytes: bytes)
    }
  }
}
