/// Ranks that work together on one operation, in the order of their shares.
package struct RankGroup: Sendable, Hashable {
  /// Distinct world ranks; position `i` holds share `i`.
  package let ranks: [Int]

  package init(ranks: [Int]) {
    precondition(!ranks.isEmpty, "a group needs at least one rank")
    self.ranks = ranks
  }

  package var size: Int { ranks.count }

  /// The position of `rank` in the group, or nil when it is not a member; cost linear in the group.
  package func index(of rank: Int) -> Int? { ranks.firstIndex(of: rank) }

  package func contains(_ rank: Int) -> Bool { ranks.contains(rank) }
}
