/// How the contraction of a row-parallel layer is cut into the leaves of its canonical tree: by the model,
/// never by the mesh.
package struct ContractionLeaves: Sendable, Hashable {
  /// Elements of the contraction.
  package let extent: Int
  /// Elements of every leaf but the last, which may be shorter.
  package let width: Int

  /// Cuts `extent` into at most `maxLeaves` leaves of equal width, a multiple of `granule` (what a kernel
  /// reads as one unit: 2 for pairs of elements, 32 for quantisation groups).
  package init(extent: Int, granule: Int, maxLeaves: Int = 16) {
    precondition(
      extent >= 1 && granule >= 1 && maxLeaves >= 1,
      "cannot cut \(extent) elements into \(maxLeaves) leaves of multiples of \(granule)")
    let even = (extent - 1) / maxLeaves + 1
    self.extent = extent
    width = ((even - 1) / granule + 1) * granule
  }

  package var count: Int { (extent - 1) / width + 1 }

  /// The tree over these leaves.
  package var tree: CanonicalTree { CanonicalTree(leafCount: count) }

  /// The elements of `leaves`.
  package func range(ofLeaves leaves: Range<Int>) -> Range<Int> {
    precondition(leaves.lowerBound >= 0 && leaves.upperBound <= count, "\(leaves) is outside 0..<\(count)")
    return min(leaves.lowerBound * width, extent)..<min(leaves.upperBound * width, extent)
  }

  /// Whole leaves, split as evenly as they can be over `parts` ranks.
  package func split(over parts: Int) -> LeafSplit { LeafSplit(count: count, parts: parts) }
}
