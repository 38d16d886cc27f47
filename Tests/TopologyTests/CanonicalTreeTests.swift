import Testing
import Topology

/// Adds leaves as text, so that the shape of the sum is visible.
private func shape(_ tree: CanonicalTree, ranges: [Range<Int>]) -> String {
  var roots: [String] = []
  for range in ranges {
    var stack: [String] = []
    for (leaf, merges) in zip(range, tree.merges(of: range)) {
      stack.append("\(leaf)")
      for _ in 0..<merges { fold(&stack) }
    }
    #expect(stack.count == tree.roots(of: range).count)
    roots += stack
  }
  var stack: [String] = []
  for (root, merges) in zip(roots, tree.completion(of: ranges)) {
    stack.append(root)
    for _ in 0..<merges { fold(&stack) }
  }
  #expect(stack.count == 1)
  return stack[0]
}

private func fold(_ stack: inout [String]) {
  let right = stack.removeLast()
  let left = stack.removeLast()
  stack.append("(\(left)+\(right))")
}

/// The definition: adjacent pairs, level by level, an odd last one moves up.
private func definition(_ count: Int) -> String {
  var level = (0..<count).map { "\($0)" }
  while level.count > 1 {
    var next: [String] = []
    for pair in stride(from: 0, to: level.count, by: 2) {
      next.append(pair + 1 < level.count ? "(\(level[pair])+\(level[pair + 1]))" : level[pair])
    }
    level = next
  }
  return level[0]
}

@Test("every split of every small tree adds the same pairs")
func everySplit() {
  for count in 1...9 {
    let tree = CanonicalTree(leafCount: count)
    for cuts in 0..<(1 << (count - 1)) {
      var ranges: [Range<Int>] = []
      var start = 0
      for leaf in 1...count where leaf == count || cuts >> (leaf - 1) & 1 == 1 {
        ranges.append(start..<leaf)
        start = leaf
      }
      #expect(shape(tree, ranges: ranges) == definition(count))
    }
  }
}

@Test("an aligned share has one root, an uneven one few")
func rootCounts() {
  let tree = CanonicalTree(leafCount: 16)
  #expect(tree.roots(of: 0..<8).count == 1)
  #expect(tree.roots(of: 5..<10).map { tree.leaves(of: $0) } == [5..<6, 6..<8, 8..<10])
  #expect(tree.roots(of: 3..<3).isEmpty)
}
