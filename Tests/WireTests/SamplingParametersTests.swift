import Testing
import Wire

@Suite struct SamplingParametersTests {
  @Test func defaultsAreUsable() {
    #expect(SamplingParameters().problems().isEmpty)
    #expect(Samples.sampling.problems(vocabularySize: 100).isEmpty)
    #expect(!SamplingParameters().isGreedy)
    #expect(!SamplingParameters().usesPenalties)
    #expect(Samples.sampling.usesPenalties)
  }

  @Test func eachRuleHasItsSentence() {
    let rules: [(String, (inout SamplingParameters) -> Void)] = [
      ("max_tokens", { $0.maxTokens = 0 }),
      ("min_tokens", { ($0.maxTokens, $0.minTokens) = (3, 4) }),
      ("min_tokens", { $0.minTokens = -1 }),
      ("temperature", { $0.temperature = -0.1 }),
      ("temperature", { $0.temperature = .nan }),
      ("top_p", { $0.topP = 0 }),
      ("top_p", { $0.topP = 1.5 }),
      ("top_k", { $0.topK = -1 }),
      ("min_p", { $0.minP = 2 }),
      ("repetition_penalty", { $0.repetitionPenalty = 0 }),
      ("presence_penalty", { $0.presencePenalty = 2.5 }),
      ("frequency_penalty", { $0.frequencyPenalty = -.infinity }),
      ("n is", { $0.n = 0 }),
      ("logprobs", { $0.logprobs = -1 }),
      ("stop", { $0.stop = [""] }),
      ("token id", { $0.stopTokenIDs = [100] }),
      ("token id", { $0.logitBias = [.init(token: -1, bias: 0)] }),
      ("logit_bias", { $0.logitBias = [.init(token: 1, bias: .nan)] }),
      ("twice", { $0.logitBias = [.init(token: 1, bias: 0), .init(token: 1, bias: 1)] }),
    ]
    for (word, change) in rules {
      var parameters = SamplingParameters()
      change(&parameters)
      let problems = parameters.problems(vocabularySize: 100)
      #expect(problems.count == 1, "\(word): \(problems)")
      #expect(problems.first?.contains(word) == true, "\(problems)")
    }
  }
}
