/// The pages of one sequence: page i holds the keys and values of positions `i * pageSize ..< (i + 1) * pageSize`.
package struct PageTable: Sendable, Hashable {
  package var pages: [PageID] = []

  package init() {}

  package init(_ pages: [PageID]) {
    self.pages = pages
  }

  package var count: Int { pages.count }

  package var isEmpty: Bool { pages.isEmpty }

  /// Pages that `numTokens` positions need.
  package static func pagesNeeded(for numTokens: Int, pageSize: Int) -> Int {
    (numTokens + pageSize - 1) / pageSize
  }
}
