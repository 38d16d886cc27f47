package import Engine
package import Topology
internal import Wire

/// Runs the same prompts on one mesh after another and compares every token.
package struct ScaleMeasurement {
  package var promptTokens = 16
  package var generatedTokens = 64
  package var batch = 1
  package var repetitions = 3
  private var firstTokens: [[TokenID]]?

  package init() {}

  /// Measures a running mesh: unrecorded runs for the rate, then one whose times every rank keeps.
  package mutating func run(_ engine: MeshEngine, shape: MeshShape) throws -> ScaleRow {
    var benchmark = DecodeBenchmark(engine: engine)
    benchmark.repetitions = repetitions
    let tokensOfRun = Double(generatedTokens * batch)
    let samples = try benchmark.measure(batch: batch, prompt: promptTokens, generate: generatedTokens + 1)
    engine.recordTimes(steps: promptTokens + generatedTokens + 2)
    let recorded = try benchmark.sample(batch: batch, prompt: promptTokens, generate: generatedTokens + 1)
    let timeline = try engine.takeTimeline()
    engine.recordTimes(steps: 0)
    let tokens = samples[0].tokens
    if firstTokens == nil { firstTokens = tokens }
    let threads = engine.sizes.threadsPerWorker
    return ScaleRow(
      mesh: shape, threadsPerWorker: threads, cores: min(threads * shape.worldSize, engine.cores),
      weightBytes: engine.weightBytes, samples: samples.map { tokensOfRun / $0.afterFirst },
      recordedTokensPerSecond: tokensOfRun / recorded.afterFirst,
      split: LatencySplit(timeline, ranks: Mesh(shape).replicaGroup(of: 0).ranks), batch: batch,
      equalsFirst: tokens == firstTokens && recorded.tokens == firstTokens)
  }
}
