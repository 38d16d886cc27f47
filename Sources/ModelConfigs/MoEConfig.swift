/// How sparse layers route and how wide their experts are.
package struct MoEConfig: Sendable, Hashable {
  /// From router logits to scores.
  package enum Scoring: String, Sendable, Hashable {
    case softmax, sigmoid
  }

  package var numExperts: Int
  /// Experts chosen per token, `1...numExperts`.
  package var numExpertsPerToken: Int
  /// Width of one routed expert.
  package var intermediateSize: Int
  package var scoring: Scoring
  /// Scores are taken over the chosen experts only, after the choice, instead of over all of them before it.
  ///
  /// For a softmax this equals scoring first and renormalising, which is what Mixtral's file format means.
  package var scoresAfterSelection: Bool
  /// Chosen weights are divided by their sum.
  package var normalizeTopK: Bool
  /// A learned vector is added to the scores for the choice only, never to the weights.
  package var hasSelectionBias: Bool
  /// Experts are cut into this many equal groups; 1 means no groups.
  package var numGroups: Int
  /// Groups that may be chosen from, best first.
  package var numGroupsPerToken: Int
  /// Factor on the final weights.
  package var routedScalingFactor: Double
  /// Width of the expert that every token visits, or nil.
  package var sharedExpertIntermediateSize: Int?
  /// The shared expert's output is multiplied by `sigmoid(gate . x)`.
  package var sharedExpertGate: Bool
  /// Per layer: routed (true) or a plain MLP.
  package var isSparse: [Bool]

  /// A softmax router over `numExperts` without groups, biases or shared experts.
  package init(
    numExperts: Int, numExpertsPerToken: Int, intermediateSize: Int, normalizeTopK: Bool, isSparse: [Bool]
  ) {
    self.numExperts = numExperts
    self.numExpertsPerToken = numExpertsPerToken
    self.intermediateSize = intermediateSize
    self.scoring = .softmax
    self.scoresAfterSelection = false
    self.normalizeTopK = normalizeTopK
    self.hasSelectionBias = false
    self.numGroups = 1
    self.numGroupsPerToken = 1
    self.routedScalingFactor = 1
    self.sharedExpertIntermediateSize = nil
    self.sharedExpertGate = false
    self.isSparse = isSparse
  }
}
