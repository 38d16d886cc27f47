/// The fixed summation tree of a row-parallel layer: the reason why every mesh computes the same bits.
///
/// A contraction is cut into `leafCount` leaves, which depend on the model only. Leaves are added pairwise,
/// level by level: (0,1), (2,3), ... ; an odd last node moves up unchanged. Node `(level, index)` covers leaves
/// `index << level ..< min((index + 1) << level, leafCount)`. A rank that owns a contiguous range of leaves sums every
/// complete node inside its range and sends those `roots`; whoever holds all roots finishes the same tree.
///
/// Cost: a range of n leaves has at most 2 log2(n) roots, and one root when it is a node of the tree.
package struct CanonicalTree: Sendable, Hashable {
  /// Leaves in all, at least 1.
  package let leafCount: Int

  package init(leafCount: Int) {
    precondition(leafCount >= 1, "a canonical tree needs at least one leaf, got \(leafCount)")
    self.leafCount = leafCount
  }

  /// One node: `level` 0 are the leaves.
  package struct Node: Sendable, Hashable {
    package var level: Int
    package var index: Int

    package init(level: Int, index: Int) {
      self.level = level
      self.index = index
    }
  }

  /// The leaves that `node` covers.
  package func leaves(of node: Node) -> Range<Int> {
    (node.index << node.level)..<min((node.index + 1) << node.level, leafCount)
  }

  /// How many pairwise additions follow after each leaf of `range`, when partial sums are kept on a stack.
  ///
  /// Push leaf `range.lowerBound + i`, then `merges[i]` times replace the two topmost entries `a, b` by `a + b`. What is
  /// left on the stack at the end, bottom first, are the `roots(of: range)`.
  package func merges(of range: Range<Int>) -> [UInt8] {
    var stack: [Node] = []
    return range.map { leaf in
      stack.append(normalised(Node(level: 0, index: leaf)))
      var count: UInt8 = 0
      while stack.count >= 2, let parent = parent(stack[stack.count - 2], stack[stack.count - 1]) {
        stack.removeLast(2)
        stack.append(normalised(parent))
        count += 1
      }
      return count
    }
  }

  /// The largest nodes that lie wholly in `range`, ascending.
  package func roots(of range: Range<Int>) -> [Node] {
    precondition(range.lowerBound >= 0 && range.upperBound <= leafCount, "\(range) outside 0..<\(leafCount)")
    var stack: [Node] = []
    for leaf in range {
      stack.append(normalised(Node(level: 0, index: leaf)))
      while stack.count >= 2, let parent = parent(stack[stack.count - 2], stack[stack.count - 1]) {
        stack.removeLast(2)
        stack.append(normalised(parent))
      }
    }
    return stack
  }

  /// How the concatenated roots of adjacent ranges that cover the whole tree are added up: the number of pairwise
  /// additions after each root is pushed. The final stack holds exactly the total.
  package func completion(of ranges: [Range<Int>]) -> [UInt8] {
    var stack: [Node] = []
    var result: [UInt8] = []
    for root in ranges.flatMap({ roots(of: $0) }) {
      stack.append(root)
      var count: UInt8 = 0
      while stack.count >= 2, let parent = parent(stack[stack.count - 2], stack[stack.count - 1]) {
        stack.removeLast(2)
        stack.append(normalised(parent))
        count += 1
      }
      result.append(count)
    }
    precondition(stack.count == 1, "ranges \(ranges) do not cover the tree of \(leafCount) leaves in order")
    return result
  }

  /// A node without a right-hand neighbour is the same sum as its parent: it stands for the highest such ancestor
  /// that is still a left child or the top.
  private func normalised(_ node: Node) -> Node {
    var node = node
    while node.index & 1 == 0, node.index > 0, (node.index + 1) << node.level >= leafCount {
      node = Node(level: node.level + 1, index: node.index >> 1)
    }
    return node
  }

  /// The parent of `left` and `right` when they are siblings.
  private func parent(_ left: Node, _ right: Node) -> Node? {
    guard left.level == right.level, left.index & 1 == 0, right.index == left.index + 1 else { return nil }
    return Node(level: left.level + 1, index: left.index >> 1)
  }
}
