/// Who owns which KV page of one attention group: reference counts and a free list.
///
/// A page is free, referenced by one or more page tables, or *idle*: referenced by none but kept for its content.
/// Only `PagePool` moves pages between these states. Every operation is O(1) and allocates nothing.
package struct PageAllocator: Sendable {
  /// Pages in all.
  package let numPages: Int
  /// Free pages, the next one last.
  private var freeList: [PageID]
  /// References per page; `Self.freeMark` for a free page.
  private var references: [Int32]

  private static let freeMark: Int32 = -1

  /// All pages free; the lowest is handed out first.
  package init(numPages: Int) {
    precondition(numPages >= 0 && numPages <= Int(Int32.max), "\(numPages) pages do not fit a page id")
    self.numPages = numPages
    self.freeList = (0..<numPages).reversed().map { PageID($0) }
    self.references = Array(repeating: Self.freeMark, count: numPages)
  }

  package var numFree: Int { freeList.count }

  /// References to `page`; 0 when it is idle or free.
  package func referenceCount(_ page: PageID) -> Int { max(0, Int(references[page.index])) }

  package func isFree(_ page: PageID) -> Bool { references[page.index] == Self.freeMark }

  /// A page with one reference, or nil when none is free.
  package mutating func allocate() -> PageID? {
    guard let page = freeList.popLast() else { return nil }
    references[page.index] = 1
    return page
  }

  /// One more reference to a page that is not free.
  package mutating func retain(_ page: PageID) {
    precondition(references[page.index] >= 0, "page \(page.rawValue) is free and cannot be retained")
    references[page.index] += 1
  }

  /// One reference less; true when none is left and the page is now idle.
  package mutating func release(_ page: PageID) -> Bool {
    precondition(references[page.index] > 0, "page \(page.rawValue) has no reference to release")
    references[page.index] -= 1
    return references[page.index] == 0
  }

  /// Makes an idle page free.
  package mutating func free(_ page: PageID) {
    precondition(references[page.index] == 0, "page \(page.rawValue) is in use or free already")
    references[page.index] = Self.freeMark
    freeList.append(page)
  }

  /// What is inconsistent in the books, for tests and drills; empty when all is well. O(pages).
  package func problems() -> [String] {
    var found: [String] = []
    var seen = Set<PageID>()
    for page in freeList where !seen.insert(page).inserted {
      found.append("page \(page.rawValue) is in the free list twice")
    }
    for index in 0..<numPages {
      let marked = references[index] == Self.freeMark
      if marked != seen.contains(PageID(index)) {
        found.append("page \(index) has \(references[index]) references but the free list disagrees")
      }
    }
    return found
  }
}
