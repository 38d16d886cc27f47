/// The index of one KV page inside the pool of an attention group; every rank of the group uses the same index.
package struct PageID: RawRepresentable, Sendable, Hashable, Comparable, BitwiseCopyable {
  package var rawValue: Int32

  package init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  package init(_ index: Int) {
    self.rawValue = Int32(index)
  }

  /// The index as an `Int`, for tables.
  package var index: Int { Int(rawValue) }

  package static func < (a: PageID, b: PageID) -> Bool { a.rawValue < b.rawValue }
}
