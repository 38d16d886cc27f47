package import Topology

/// One rank's part in a canonical all-reduce of f32 rows: every rank gets the same total, to the bit.
///
/// Member `i` of the group owns the leaves `ranges[i]` and brings the roots of its complete subtrees, each a row of
/// `rowElements` floats. The workspace holds the roots of all members in order, `rootCount` rows; a member fills in its own
/// rows (`ownRows`) and finds the total in row 0. Rows of others are overwritten.
///
/// *Direct*: each member sends its roots to all others and finishes the tree itself; one round, `(p - 1)` messages and
/// `(p - 1) * roots * row` bytes. *Scattered*: the row is cut into p segments; each member finishes the tree for its own
/// segment and sends the result round; two rounds, at most `2 * (p - 1)` messages and about
/// `(p - 1) / p * (roots + 1) * row` bytes. Both do the additions of the tree and nothing else, so they give the same bits.
package struct AllReducePlan: Sendable, Hashable {
  package enum Algorithm: String, Sendable, Hashable, CaseIterable {
    case direct
    case scattered
  }

  /// One addition of rows: `rows[target] += rows[source]`.
  package struct Addition: Sendable, Hashable, BitwiseCopyable {
    package let target: Int
    package let source: Int
  }

  package let algorithm: Algorithm
  package let group: RankGroup
  /// This member's position in the group.
  package let index: Int
  package let rowElements: Int
  /// Rows of the workspace.
  package let rootCount: Int
  /// The rows that this member fills in before.
  package let ownRows: Range<Int>
  /// The exchanges, in order; additions come after the first.
  package let rounds: [ExchangePlan]
  /// The tree over the roots, as row additions in order; the total ends up in row 0.
  package let additions: [Addition]
  /// The elements of the row that this member adds up: all of them when direct.
  package let segment: Range<Int>

  /// - Parameters:
  ///   - ranges: the leaves of each member, adjacent and covering the tree; some may be empty.
  ///   - index: which member this rank is.
  ///   - byteOffset: where the workspace rows start in the memory handed to the exchange.
  package init(
    tree: CanonicalTree, ranges: [Range<Int>], group: RankGroup, index: Int, rowElements: Int,
    algorithm: Algorithm, byteOffset: Int = 0
  ) {
    precondition(ranges.count == group.size, "\(ranges.count) leaf ranges for \(group.size) members")
    precondition(index >= 0 && index < group.size && rowElements >= 0, "member \(index), row \(rowElements)")
    self.algorithm = algorithm
    self.group = group
    self.index = index
    self.rowElements = rowElements
    let layout = RootLayout(tree: tree, ranges: ranges, rowElements: rowElements, byteOffset: byteOffset)
    rootCount = layout.firstRow[group.size]
    ownRows = layout.rows(of: index)
    additions = AllReducePlan.additions(tree.completion(of: ranges))
    switch algorithm {
    case .direct:
      segment = 0..<rowElements
      rounds = [AllReducePlan.spread(layout, group, index)]
    case .scattered:
      segment = AllReducePlan.segment(index, of: group.size, rowElements)
      rounds = [
        AllReducePlan.scatter(layout, group, index, rowElements),
        AllReducePlan.collect(layout, group, index, rowElements),
      ]
    }
  }

  /// Bytes of workspace: all roots of all members.
  package var workspaceBytes: Int { rootCount * rowElements * 4 }

  /// What this rank sends.
  package var cost: CollectiveCost {
    rounds.reduce(CollectiveCost()) { $0 + $1.cost(of: group.ranks[index]) }
  }

  /// The algorithm with the smaller predicted time of the slowest member; the same on every member.
  package static func choose(
    tree: CanonicalTree, ranges: [Range<Int>], group: RankGroup, rowElements: Int, model: CostModel = .local
  ) -> Algorithm {
    guard group.size > 1 else { return .direct }
    func slowest(_ algorithm: Algorithm) -> Double {
      let times = (0..<group.size).map { index in
        let plan = AllReducePlan(
          tree: tree, ranges: ranges, group: group, index: index, rowElements: rowElements,
          algorithm: algorithm)
        return model.seconds(plan.cost, additions: plan.additions.count * plan.segment.count)
      }
      return times.max() ?? 0
    }
    return slowest(.scattered) < slowest(.direct) ? .scattered : .direct
  }

  /// The part of a row that member `index` adds up: whole lines of 16 floats, the last one may be shorter.
  package static func segment(_ index: Int, of members: Int, _ rowElements: Int) -> Range<Int> {
    let lines = LeafSplit(count: (rowElements + 15) / 16, parts: members).range(of: index)
    return min(lines.lowerBound * 16, rowElements)..<min(lines.upperBound * 16, rowElements)
  }

  /// Stack additions as additions of rows: whatever is merged stays in the lower row.
  private static func additions(_ merges: [UInt8]) -> [Addition] {
    var stack: [Int] = []
    var result: [Addition] = []
    for (row, count) in merges.enumerated() {
      stack.append(row)
      for _ in 0..<count {
        let source = stack.removeLast()
        result.append(Addition(target: stack[stack.count - 1], source: source))
      }
    }
    return result
  }
}

/// Where the roots of each member lie in the workspace.
struct RootLayout {
  let rowElements: Int
  let byteOffset: Int
  /// By member, and the total at the end.
  let firstRow: [Int]

  init(tree: CanonicalTree, ranges: [Range<Int>], rowElements: Int, byteOffset: Int) {
    self.rowElements = rowElements
    self.byteOffset = byteOffset
    var firstRow = [0]
    for range in ranges { firstRow.append(firstRow[firstRow.count - 1] + tree.roots(of: range).count) }
    self.firstRow = firstRow
  }

  func rows(of member: Int) -> Range<Int> { firstRow[member]..<firstRow[member + 1] }

  func transfer(_ peer: Int, row: Int, _ elements: Range<Int>) -> Transfer {
    Transfer(
      peer: peer, byteOffset: byteOffset + (row * rowElements + elements.lowerBound) * 4,
      byteCount: elements.count * 4)
  }

  /// All rows of a member as one contiguous transfer; none when it has no rows.
  func whole(_ peer: Int, rowsOf member: Int) -> [Transfer] {
    let rows = rows(of: member)
    guard !rows.isEmpty, rowElements > 0 else { return [] }
    return [
      Transfer(
        peer: peer, byteOffset: byteOffset + rows.lowerBound * rowElements * 4,
        byteCount: rows.count * rowElements * 4)
    ]
  }

  /// The same elements of all rows of a member.
  func part(_ peer: Int, rowsOf member: Int, _ elements: Range<Int>) -> [Transfer] {
    elements.isEmpty ? [] : rows(of: member).map { transfer(peer, row: $0, elements) }
  }
}

extension AllReducePlan {
  /// Own roots to everyone, everyone's roots to here.
  private static func spread(_ layout: RootLayout, _ group: RankGroup, _ index: Int) -> ExchangePlan {
    let others = (0..<group.size).filter { $0 != index }
    return ExchangePlan(
      sends: others.flatMap { layout.whole(group.ranks[$0], rowsOf: index) },
      receives: others.flatMap { layout.whole(group.ranks[$0], rowsOf: $0) })
  }

  /// Segment s of the own roots to member s, the own segment of everyone's roots to here.
  static func scatter(_ layout: RootLayout, _ group: RankGroup, _ index: Int, _ rowElements: Int)
    -> ExchangePlan
  {
    let others = (0..<group.size).filter { $0 != index }
    let own = segment(index, of: group.size, rowElements)
    return ExchangePlan(
      sends: others.flatMap {
        layout.part(group.ranks[$0], rowsOf: index, segment($0, of: group.size, rowElements))
      },
      receives: others.flatMap { layout.part(group.ranks[$0], rowsOf: $0, own) })
  }

  /// The finished own segment of row 0 to everyone, everyone's finished segment to here.
  private static func collect(_ layout: RootLayout, _ group: RankGroup, _ index: Int, _ rowElements: Int)
    -> ExchangePlan
  {
    let others = (0..<group.size).filter { $0 != index }
    func row0(_ peer: Int, _ elements: Range<Int>) -> [Transfer] {
      elements.isEmpty ? [] : [layout.transfer(peer, row: 0, elements)]
    }
    return ExchangePlan(
      sends: others.flatMap { row0(group.ranks[$0], segment(index, of: group.size, rowElements)) },
      receives: others.flatMap { row0(group.ranks[$0], segment($0, of: group.size, rowElements)) })
  }
}
