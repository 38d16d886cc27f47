/// A contiguous split of `count` units (leaves, heads, experts) over `parts` owners.
///
/// Without weights part `i` owns `count * i / parts ..< count * (i + 1) / parts`: sizes differ by one at most, and a
/// part owns nothing when there are fewer units than parts. With weights sizes are as near to them as whole units
/// allow.
package struct LeafSplit: Sendable, Hashable {
  package let count: Int
  package let parts: Int
  /// Where each part of an uneven split ends; empty for an even one, which needs no memory.
  private let ends: [Int]

  package init(count: Int, parts: Int) {
    precondition(count >= 0 && parts >= 1, "cannot split \(count) units over \(parts) parts")
    self.count = count
    self.parts = parts
    ends = []
  }

  /// Sizes in proportion to `weights`, one for each part, by the method of the largest remainder (Hamilton); each part
  /// gets at least `least` units, as long as there are that many.
  package init(count: Int, weights: [Double], least: Int) {
    precondition(count >= 0 && !weights.isEmpty, "cannot split \(count) units over \(weights.count) parts")
    precondition(weights.allSatisfy { $0 > 0 && $0.isFinite }, "weights \(weights) must be above 0")
    self.count = count
    parts = weights.count
    guard let first = weights.first, weights.contains(where: { $0 != first }) else {
      ends = []
      return
    }
    let least = min(least, count / weights.count)
    let spare = Double(count - least * weights.count)
    let total = weights.reduce(0, +)
    let quotas = weights.map { spare * $0 / total }
    var sizes = quotas.map { least + Int($0) }
    let order = quotas.indices.sorted { left, right in
      let (a, b) = (quotas[left] - quotas[left].rounded(.down), quotas[right] - quotas[right].rounded(.down))
      return a == b ? left < right : a > b
    }
    for index in order.prefix(count - sizes.reduce(0, +)) { sizes[index] += 1 }
    var end = 0
    ends = sizes.map { size in
      end += size
      return end
    }
  }

  /// The units of `part`.
  package func range(of part: Int) -> Range<Int> {
    precondition((0..<parts).contains(part), "part \(part) is outside 0..<\(parts)")
    guard ends.isEmpty else { return (part == 0 ? 0 : ends[part - 1])..<ends[part] }
    return count * part / parts..<count * (part + 1) / parts
  }

  /// The part that owns `unit`.
  package func owner(of unit: Int) -> Int {
    precondition((0..<count).contains(unit), "unit \(unit) is outside 0..<\(count)")
    return ends.firstIndex { unit < $0 } ?? ((unit + 1) * parts - 1) / count
  }

  /// The units of all parts, in order.
  package var ranges: [Range<Int>] { (0..<parts).map { range(of: $0) } }

  /// The most units that any part owns.
  package var largest: Int {
    ends.isEmpty ? (count + parts - 1) / parts : ranges.map(\.count).max() ?? 0
  }
}
