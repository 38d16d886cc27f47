package import Topology

/// The collectives by definition: all ranks' data in one place, the slow and obvious way. What the fast ones must equal.
package enum ReferenceCollectives {
  /// The canonical sum of `leaves[leaf][element]`: adjacent pairs, level by level, an odd last one moves up.
  package static func canonicalSum(_ leaves: [[Float]]) -> [Float] {
    var level = leaves
    while level.count > 1 {
      var next: [[Float]] = []
      for pair in stride(from: 0, to: level.count, by: 2) {
        if pair + 1 < level.count {
          next.append(zip(level[pair], level[pair + 1]).map { $0 + $1 })
        } else {
          next.append(level[pair])
        }
      }
      level = next
    }
    return level[0]
  }

  /// The roots that a rank with the leaves `range` brings, one row each.
  package static func roots(_ tree: CanonicalTree, of range: Range<Int>, _ leaves: [[Float]]) -> [[Float]] {
    var stack: [[Float]] = []
    for (leaf, merges) in zip(range, tree.merges(of: range)) {
      stack.append(leaves[leaf])
      for _ in 0..<merges {
        let right = stack.removeLast()
        stack[stack.count - 1] = zip(stack[stack.count - 1], right).map { $0 + $1 }
      }
    }
    return stack
  }

  /// What every member of an all-gather holds afterwards.
  package static func allGather(_ parts: [[UInt8]]) -> [UInt8] { parts.flatMap { $0 } }

  /// What member `index` of an all-to-all holds afterwards: `parts[i][j]` goes from i to j.
  package static func allToAll(_ parts: [[[UInt8]]], index: Int) -> [UInt8] { parts.flatMap { $0[index] } }
}
