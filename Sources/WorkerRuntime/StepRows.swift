internal import Layers
internal import Wire

/// How many tokens each attention group of the replica brings to this step, and where their rows lie here.
///
/// Every rank orders rows by itself first (`RankGeometry.groupOrder`), so own rows always start at 0.
struct StepRows {
  /// Tokens by token group of the replica.
  private(set) var counts: [Int]
  /// First local row of each token group.
  private(set) var starts: [Int]
  let ownGroup: Int
  /// Rows of the groups that share this rank's dense MLP.
  private(set) var mlpRows = 0

  private let order: [Int]
  private let mlpGroupCount: Int

  init(geometry: RankGeometry) {
    order = geometry.groupOrder
    mlpGroupCount = geometry.mlpGroupCount
    ownGroup = geometry.tokenGroupIndex
    counts = Array(repeating: 0, count: order.count)
    starts = counts
  }

  /// Token groups in local row order.
  var groups: [Int] { order }
  /// Rows of this rank's own attention group.
  var own: Int { counts[ownGroup] }
  /// Rows of all groups.
  var total: Int { counts.reduce(0, +) }

  /// Sets the token counts of a new step.
  mutating func update(_ groups: [StepPlan.GroupPlan]) {
    precondition(groups.count == counts.count, "\(groups.count) token groups, expected \(counts.count)")
    for group in groups.indices { counts[group] = groups[group].numTokens }
    var start = 0
    for (place, group) in order.enumerated() {
      starts[group] = start
      start += counts[group]
      if place == mlpGroupCount - 1 { mlpRows = start }
    }
  }
}
