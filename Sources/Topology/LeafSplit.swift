/// A balanced contiguous split of `count` units (leaves, heads, experts) over `parts` owners.
///
/// Part `i` owns `count * i / parts ..< count * (i + 1) / parts`: sizes differ by one at most, and a part
/// owns nothing when there are fewer units than parts.
package struct LeafSplit: Sendable, Hashable {
  package let count: Int
  package let parts: Int

  package init(count: Int, parts: Int) {
    precondition(count >= 0 && parts >= 1, "cannot split \(count) units over \(parts) parts")
    self.count = count
    self.parts = parts
  }

  /// The units of `part`.
  package func range(of part: Int) -> Range<Int> {
    precondition((0..<parts).contains(part), "part \(part) is outside 0..<\(parts)")
    return count * part / parts..<count * (part + 1) / parts
  }

  /// The part that owns `unit`.
  package func owner(of unit: Int) -> Int {
    precondition((0..<count).contains(unit), "unit \(unit) is outside 0..<\(count)")
    return ((unit + 1) * parts - 1) / count
  }

  /// The units of all parts, in order.
  package var ranges: [Range<Int>] { (0..<parts).map { range(of: $0) } }

  /// The most units that any part owns.
  package var largest: Int { (count + parts - 1) / parts }
}
