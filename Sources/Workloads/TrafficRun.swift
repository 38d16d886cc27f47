package import Engine
internal import Scheduling
internal import Topology
internal import Wire

/// Runs random prompts on a mesh that records its exchanges, and sets what was counted beside the formulas.
package struct TrafficRun {
  package var promptTokens = 8
  package var generatedTokens = 4
  package var batch = 1

  private let engine: MeshEngine

  package init(engine: MeshEngine) { self.engine = engine }

  /// All steps of the first replica.
  package func run() throws -> [RecordedStep] {
    var sampling = SamplingParameters()
    sampling.temperature = 0
    sampling.maxTokens = generatedTokens
    sampling.ignoreEOS = true
    for index in 0..<batch {
      engine.submit(
        GenerationRequest(
          id: RequestID(rawValue: UInt64(index)),
          promptTokens: RandomPrompt.tokens(promptTokens, index: index, below: engine.vocabularySize),
          sampling: sampling))
    }
    var failure: EngineError?
    try engine.run { event in
      switch event {
      case .refused(_, let reason): failure = EngineError(.configuration, reason.text)
      case .finished(let end):
        if case .failure(let text) = end.cause { failure = EngineError(.failure, text) }
      default: break
      }
    }
    if let failure { throw failure }
    let mesh = engine.shards.mesh
    let traces = try engine.takeTraces().filter { mesh.coordinates(of: Int($0.rank)).data == 0 }
    let steps = Dictionary(grouping: traces) { $0.step.rawValue }
    return steps.keys.sorted().map { RecordedStep(steps[$0] ?? [], plan: engine.shards) }
  }
}

/// Token ids by a fixed linear congruence: the same prompts in every run.
enum RandomPrompt {
  static func tokens(_ count: Int, index: Int, below vocabularySize: Int) -> [TokenID] {
    var state = UInt64(index) &* 0x9E37_79B9_7F4A_7C15 &+ 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return TokenID(rawValue: Int32((state >> 33) % UInt64(vocabularySize)))
    }
  }
}
