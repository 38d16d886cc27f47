package import Engine
internal import Scheduling
package import Wire

/// Measures prefill and decode of a running mesh, in the manner of llama-bench.
///
/// `pp`: prompts of random tokens, one token each; `tg`: `batch` sequences that start from one token, or, as
/// `tg @ d`, with `depth` tokens in their caches.
/// End-of-text is ignored. Each test runs once unmeasured first; every run must give the tokens of the first
/// one.
package struct DecodeBenchmark {
  /// One measured test.
  package struct Row: Sendable, Hashable {
    package var test: String
    package var batch: Int
    package var samples: [Double]
    /// Weight bytes read per generated or processed token step, per second; nil for prefill.
    package var weightGigabytesPerSecond: Double?
    package var bandwidthFraction: Double?
    /// Median microseconds of a step in which no rank worked: scheduling, messages, waking up; nil for prefill.
    package var overheadMicroseconds: Double?

    package var mean: Double { samples.reduce(0, +) / Double(max(samples.count, 1)) }

    package var deviation: Double {
      guard samples.count > 1 else { return 0 }
      let mean = mean
      let squares = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(samples.count - 1)).squareRoot()
    }
  }

  package var promptTokens = 512
  package var generatedTokens = 128
  /// Tokens that a sequence has in its cache when decoding begins; at least one.
  package var depth = 1
  /// Sequences at once: decode is measured for each of them, prefill for the first.
  package var batches = [1]
  package var repetitions = 5
  /// Read bandwidth of the machine with the run's threads, in bytes per second.
  package var readBandwidth: Double?

  private let engine: MeshEngine
  private let clock = ContinuousClock()
  private var nextRequest: UInt64 = 0

  package init(engine: MeshEngine) { self.engine = engine }

  /// Runs all tests (a size of 0 leaves one out).
  package mutating func run(progress: (String) -> Void = { _ in }) throws -> [Row] {
    var rows: [Row] = []
    if promptTokens > 0, let batch = batches.first {
      progress("pp\(promptTokens)")
      let samples = try measure(batch: batch, prompt: promptTokens, generate: 1).map {
        Double(promptTokens * batch) / $0.total
      }
      rows.append(Row(test: "pp\(promptTokens)", batch: batch, samples: samples))
    }
    for batch in batches where generatedTokens > 0 {
      progress("tg\(generatedTokens)" + (batch > 1 ? " of \(batch) sequences" : ""))
      rows.append(try decode(batch: batch))
    }
    return rows
  }

  private mutating func decode(batch: Int) throws -> Row {
    let samples = try measure(batch: batch, prompt: depth, generate: generatedTokens + 1)
    var row = Row(
      test: "tg\(generatedTokens)" + (depth > 1 ? " @ d\(depth)" : ""), batch: batch,
      samples: samples.map { Double($0.tokensAfterFirst) / $0.afterFirst })
    let bytes = engine.weightBytesPerStep(batch: batch) * row.mean / Double(batch)
    row.weightGigabytesPerSecond = bytes / 1e9
    row.bandwidthFraction = readBandwidth.map { bytes / $0 }
    let overheads = samples.flatMap(\.overheads).sorted()
    if !overheads.isEmpty { row.overheadMicroseconds = Double(overheads[overheads.count / 2]) / 1000 }
    return row
  }

  /// One run: its seconds, those after every sequence had its first token, the tokens made in them, and all tokens.
  package struct Sample: Sendable {
    package var total: Double
    package var afterFirst: Double
    package var tokensAfterFirst: Int
    package var tokens: [[TokenID]]
    /// Nanoseconds, by step.
    package var overheads: [UInt64]
  }

  /// Measured runs, all with the tokens of an unmeasured first one.
  package mutating func measure(batch: Int, prompt: Int, generate: Int) throws -> [Sample] {
    let warmUp = try sample(batch: batch, prompt: prompt, generate: generate)
    return try (0..<repetitions).map { _ in
      let sample = try sample(batch: batch, prompt: prompt, generate: generate)
      guard sample.tokens == warmUp.tokens else {
        throw EngineError(
          .failure, "two runs of the same prompts gave different tokens; the measurement is void")
      }
      return sample
    }
  }

  package mutating func sample(batch: Int, prompt: Int, generate: Int) throws -> Sample {
    var sampling = SamplingParameters()
    sampling.temperature = 0
    sampling.maxTokens = generate
    sampling.ignoreEOS = true
    let first = nextRequest
    nextRequest += UInt64(batch)
    engine.measureOverheads()
    let started = clock.now
    for index in 0..<batch {
      engine.submit(
        GenerationRequest(
          id: RequestID(rawValue: first + UInt64(index)),
          promptTokens: RandomPrompt.tokens(prompt, index: index, below: engine.vocabularySize),
          sampling: sampling))
    }
    var tokens: [[TokenID]] = Array(repeating: [], count: batch)
    var firstsDone: ContinuousClock.Instant?
    var firsts = 0
    var tokensAfterFirst = 0
    var refusal: String?
    try engine.run { event in
      switch event {
      case .token(let token):
        tokens[Int(token.request.rawValue - first)].append(token.token)
        if firstsDone != nil { tokensAfterFirst += 1 }
        if token.index == 0 {
          firsts += 1
          if firsts == batch { firstsDone = clock.now }
        }
      case .refused(_, let reason): refusal = reason.text
      case .finished(let end):
        if case .failure(let text) = end.cause { refusal = text }
      default: break
      }
    }
    if let refusal { throw EngineError(.configuration, refusal) }
    let ended = clock.now
    return Sample(
      total: (ended - started) / .seconds(1), afterFirst: (ended - (firstsDone ?? started)) / .seconds(1),
      tokensAfterFirst: tokensAfterFirst, tokens: tokens, overheads: engine.takeOverheads())
  }
}
