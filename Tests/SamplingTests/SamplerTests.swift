import Sampling
import Testing
import Wire

private func admission(
  _ sampling: SamplingParameters, key: UInt64 = 7, prompt: [TokenID] = [1], output: [TokenID] = [],
  suppressed: [TokenID] = []
) -> SequenceAdmission {
  SequenceAdmission(
    slot: 0, sequence: SequenceID(rawValue: 1), sampling: sampling, randomKey: key,
    suppressedTokens: suppressed,
    promptTokens: prompt, outputTokens: output)
}

private func draw(_ logits: [Float], _ admission: SequenceAdmission) throws -> Draw {
  var sampler = Sampler(vocabularySize: logits.count)
  var state = SamplingState(admission)
  return try sampler.sample(logits.span, &state)
}

@Suite struct SamplerTests {
  /// Random rows and random parameters: the sampler and its slow twin agree.
  @Test(arguments: 0..<60) func agreesWithTheReference(seed: Int) throws {
    var random = WordStream(seed: UInt64(seed))
    let count = [1, 2, 7, 97, 1024, 3000][seed % 6]
    var sampler = Sampler(vocabularySize: count)
    for round in 0..<15 {
      let spread = [0, 1, 10, 60][Int(random.next() % 4)]
      let logits: [Float] = (0..<count).map { _ in
        let value = Float(random.next() % 20_001) / 10_000 - 1
        return spread == 0 ? Float(random.next() % 3) : value * Float(spread)
      }
      var sampling = SamplingParameters()
      sampling.temperature = [0, 0.3, 1, 1.7][Int(random.next() % 4)]
      sampling.topK = [0, 0, 1, 5, 50, 5000][Int(random.next() % 6)]
      sampling.topP = [1, 1, 0.01, 0.5, 0.95][Int(random.next() % 5)]
      sampling.minP = [0, 0, 0.01, 0.3, 1][Int(random.next() % 5)]
      if random.next() % 2 == 0 {
        sampling.repetitionPenalty = [1, 0.7, 1.3][Int(random.next() % 3)]
        sampling.presencePenalty = [0, -1, 1.5][Int(random.next() % 3)]
        sampling.frequencyPenalty = [0, -0.5, 0.25][Int(random.next() % 3)]
      }
      func tokens(_ upTo: Int) -> [TokenID] {
        (0..<Int(random.next() % UInt64(upTo + 1))).map { _ in TokenID(Int(random.next() % UInt64(count))) }
      }
      if random.next() % 3 == 0 { sampling.logitBias = [.init(token: TokenID(count / 2), bias: 3)] }
      sampling.minTokens = Int(random.next() % 3)
      let suppressed = count > 2 ? [TokenID(0), TokenID(count - 1)] : []
      let request = admission(
        sampling, key: random.next(), prompt: [TokenID(0)] + tokens(20), output: tokens(10),
        suppressed: suppressed)
      var state = SamplingState(request)
      let token = try sampler.sample(logits.span, &state).token
      let expected = SamplerReference(vocabularySize: count).draw(logits, request)
      #expect(token == expected, "seed \(seed), round \(round), \(sampling)")
      #expect(state.outputCount == request.outputTokens.count + 1)
    }
  }

  @Test func greedyTakesTheLowestOfEquals() throws {
    var sampling = SamplingParameters()
    sampling.temperature = 0
    #expect(try draw([1, 3, 3, 2], admission(sampling)).token == 1)
    #expect(try draw([-.infinity, -.infinity, -5], admission(sampling)).token == 2)
    #expect(try draw([.nan, 1, .nan, 2], admission(sampling)).token == 3)
  }

  @Test func rowsWithoutANumberAreAnError() {
    var sampling = SamplingParameters()
    for temperature: Float in [0, 1] {
      sampling.temperature = temperature
      for row in [[.nan, .nan], [-.infinity, -.infinity], [.infinity, 1]] as [[Float]] {
        #expect(throws: SamplingError.self) { try draw(row, admission(sampling)) }
      }
    }
  }

  /// Frequencies of many draws against the softmax that the parameters leave.
  @Test(arguments: [
    (1, 0, 1, 0), (0.5, 0, 1, 0), (1, 3, 1, 0), (1, 0, 0.7, 0), (1, 0, 1, 0.2), (2, 4, 0.9, 0.1),
  ])
  func frequenciesFollowTheWeights(temperature: Float, topK: Int, topP: Float, minP: Float) throws {
    var sampling = SamplingParameters()
    (sampling.temperature, sampling.topK, sampling.topP, sampling.minP) = (temperature, topK, topP, minP)
    let logits: [Float] = [0.1, 2, -1, 1.5, 0.7, 2.2, -3, 1]
    let choices = SamplerReference(vocabularySize: 8).choices(logits, admission(sampling))
    let total = choices.reduce(0) { $0 + $1.weight }
    var counts = Array(repeating: 0, count: 8)
    var sampler = Sampler(vocabularySize: 8)
    let draws = 20_000
    for key in 0..<draws {
      var state = SamplingState(admission(sampling, key: UInt64(key)))
      counts[try sampler.sample(logits.span, &state).token.index] += 1
    }
    for token in 0..<8 {
      let expected = (choices.first { $0.token == token }?.weight ?? 0) / total * Double(draws)
      // Five standard deviations of a binomial count; nothing at all where the weight is zero.
      let allowed = expected == 0 ? 0 : 5 * expected.squareRoot()
      #expect(abs(Double(counts[token]) - expected) <= allowed, "token \(token)")
    }
  }

  @Test func theSamePositionDrawsTheSameToken() throws {
    var sampling = SamplingParameters()
    sampling.temperature = 1
    let logits = (0..<500).map { Float($0 % 17) / 5 }
    var first: [TokenID] = []
    var sampler = Sampler(vocabularySize: 500)
    var state = SamplingState(admission(sampling))
    for _ in 0..<10 { first.append(try sampler.sample(logits.span, &state).token) }
    #expect(Set(first).count > 3)
    for known in 0..<10 {
      // As after a preemption: admitted anew with what was emitted.
      let again = try draw(logits, admission(sampling, output: Array(first.prefix(known))))
      #expect(again.token == first[known])
    }
  }

  @Test func penaltiesCountPromptAndOutput() throws {
    var sampling = SamplingParameters()
    sampling.temperature = 0
    sampling.repetitionPenalty = 2
    #expect(try draw([4, 3, 0], admission(sampling, prompt: [0])).token == 1)
    #expect(try draw([-1, -1.5, -9], admission(sampling, prompt: [0])).token == 1)
    sampling.repetitionPenalty = 1
    sampling.frequencyPenalty = 0.5
    #expect(try draw([4, 3.2, 0], admission(sampling, prompt: [0, 0, 0])).token == 0)
    #expect(try draw([4, 3.2, 0], admission(sampling, prompt: [2], output: [0])).token == 0)
    #expect(try draw([4, 3.2, 0], admission(sampling, prompt: [2], output: [0, 0])).token == 1)
    sampling.frequencyPenalty = 0
    sampling.presencePenalty = 0.9
    #expect(try draw([4, 3.2, 0], admission(sampling, prompt: [2], output: [0])).token == 1)
  }

  @Test func suppressedUntilTheMinimum() throws {
    var sampling = SamplingParameters()
    sampling.temperature = 0
    sampling.minTokens = 2
    #expect(try draw([1, 9, 5], admission(sampling, output: [0], suppressed: [1])).token == 2)
    #expect(try draw([1, 9, 5], admission(sampling, output: [0, 0], suppressed: [1])).token == 1)
  }

  @Test func logprobsAreOfTheRawLogits() throws {
    var sampling = SamplingParameters()
    sampling.temperature = 0
    sampling.logprobs = 3
    sampling.logitBias = [.init(token: 0, bias: 100)]
    let result = try draw([1, 2, 2, 0], admission(sampling)).logprobs
    let found = try #require(result)
    // ln(e + 2 e^2 + 1) = 2.9175758...
    #expect(abs(found.chosen - (1 - 2.9175758)) < 1e-6)
    #expect(found.top.map(\.token) == [1, 2, 0])
    #expect(abs(found.top[0].logprob - (2 - 2.9175758)) < 1e-6)
    sampling.logprobs = 0
    #expect(try draw([1, 2], admission(sampling)).logprobs?.top.isEmpty == true)
    sampling.logprobs = 10
    #expect(try draw([1, 2], admission(sampling)).logprobs?.top.count == 2)
  }

  @Test func scoresAddUpToOne() {
    var sampler = Sampler(vocabularySize: 2000)
    let logits = (0..<2000).map { Float($0 % 101) / 7 }
    var sum = 0.0
    for token in 0..<2000 {
      var power = 1.0
      let score = Double(sampler.score(logits.span, target: TokenID(token)))
      for term in (1...60).reversed() { power = 1 + (score / 64) * power / Double(term) }
      for _ in 0..<6 { power *= power }
      sum += power
    }
    #expect(abs(sum - 1) < 1e-5)
  }
}

/// Seeded words for the cases.
private struct WordStream {
  var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

  mutating func next() -> UInt64 {
    state &+= 1
    let words = Philox.words(
      counter: SIMD4(UInt32(truncatingIfNeeded: state), 0, 0, 0),
      key: SIMD2(UInt32(truncatingIfNeeded: state >> 32), 3))
    return UInt64(words.x) << 32 | UInt64(words.y)
  }
}
