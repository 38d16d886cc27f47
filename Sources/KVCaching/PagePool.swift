/// The KV pages of one attention group: the allocator and the prefix cache, kept in agreement.
///
/// This is bookkeeping only; the memory itself belongs to the ranks of the group, which all use the same page ids.
package struct PagePool: Sendable {
  package let pageSize: Int
  /// False turns the prefix cache off: every page is freed with its last reference.
  package let cachesPrefixes: Bool
  package private(set) var allocator: PageAllocator
  package private(set) var prefixes: PrefixCache

  package init(numPages: Int, pageSize: Int, cachesPrefixes: Bool) {
    precondition(pageSize >= 1, "a page must hold at least one position, got \(pageSize)")
    self.pageSize = pageSize
    self.cachesPrefixes = cachesPrefixes
    self.allocator = PageAllocator(numPages: numPages)
    self.prefixes = PrefixCache(numPages: numPages)
  }

  /// Pages that can be had now: free ones and idle ones of the cache.
  package var numAvailable: Int { allocator.numFree + prefixes.numIdle }

  /// Appends pages to `table` until it covers `numTokens` positions; false, changing nothing, when too few are left.
  package mutating func grow(_ table: inout PageTable, toCover numTokens: Int) -> Bool {
    let missing = PageTable.pagesNeeded(for: numTokens, pageSize: pageSize) - table.count
    guard missing > 0 else { return true }
    guard missing <= numAvailable else { return false }
    for _ in 0..<missing {
      if allocator.numFree == 0, let evicted = prefixes.evict() { allocator.free(evicted) }
      table.pages.append(allocator.allocate()!)
    }
    return true
  }

  /// How many pages from the start of a sequence with these keys are cached; takes no reference. O(pages).
  package func cachedPrefixLength(_ keys: [PageKey]) -> Int {
    guard cachesPrefixes else { return 0 }
    var parent: PageID?
    for (index, key) in keys.enumerated() {
      guard let page = prefixes.page(for: key, after: parent) else { return index }
      parent = page
    }
    return keys.count
  }

  /// Idle pages among the first `count` cached pages of `keys`: taking them makes them unavailable to others.
  package func numIdle(inPrefix keys: [PageKey], count: Int) -> Int {
    var parent: PageID?
    var idle = 0
    for key in keys.prefix(count) {
      guard let page = prefixes.page(for: key, after: parent) else { break }
      if allocator.referenceCount(page) == 0 { idle += 1 }
      parent = page
    }
    return idle
  }

  /// Takes over the longest cached prefix of `keys`, at most `limit` pages, into the empty `table`.
  package mutating func adoptPrefix(_ keys: [PageKey], limit: Int, into table: inout PageTable) {
    precondition(table.isEmpty, "a table with pages cannot adopt a prefix")
    guard cachesPrefixes else { return }
    for key in keys.prefix(limit) {
      guard let page = prefixes.page(for: key, after: table.pages.last) else { return }
      reference(page)
      table.pages.append(page)
    }
  }

  /// Shares the first `count` pages of `donor` with the empty `table`.
  package mutating func share(_ donor: PageTable, count: Int, into table: inout PageTable) {
    precondition(table.isEmpty, "a table with pages cannot take shared ones")
    for page in donor.pages.prefix(count) {
      reference(page)
      table.pages.append(page)
    }
  }

  /// Notes that page `index` of `table` is full and computed. Where an equal page is cached already, the table
  /// moves to that one and gives its own back.
  package mutating func publish(_ key: PageKey, pageAt index: Int, of table: inout PageTable) {
    guard cachesPrefixes else { return }
    let page = table.pages[index]
    guard !prefixes.contains(page) else { return }
    let parent = index == 0 ? nil : table.pages[index - 1]
    if let twin = prefixes.page(for: key, after: parent) {
      reference(twin)
      table.pages[index] = twin
      drop(page)
    } else {
      prefixes.insert(page, key: key, after: parent)
    }
  }

  /// Gives all pages of `table` back, the last first, and empties it.
  package mutating func release(_ table: inout PageTable) {
    while let page = table.pages.popLast() { drop(page) }
  }

  /// Forgets all cached content, after the group's KV memory was lost; no page may be referenced.
  package mutating func forgetAll() {
    while let page = prefixes.evict() { allocator.free(page) }
    precondition(prefixes.count == 0, "\(prefixes.count) cached pages are still referenced")
  }

  private mutating func reference(_ page: PageID) {
    if allocator.referenceCount(page) == 0 { prefixes.becameBusy(page) }
    allocator.retain(page)
  }

  private mutating func drop(_ page: PageID) {
    guard allocator.release(page) else { return }
    if prefixes.contains(page) { prefixes.becameIdle(page) } else { allocator.free(page) }
  }
}

extension PagePool {
  /// What is inconsistent between the pool and all page tables that use it; empty when no page is leaked, owned
  /// without a reference, or free while owned. O(pages).
  package func problems(tables: some Sequence<PageTable>) -> [String] {
    var found = allocator.problems()
    found += prefixes.problems { allocator.referenceCount($0) > 0 }
    var owners = Array(repeating: 0, count: allocator.numPages)
    for table in tables {
      for page in table.pages { owners[page.index] += 1 }
      if Set(table.pages).count != table.count { found.append("a page table names a page twice") }
    }
    var idle = 0
    for (index, count) in owners.enumerated() {
      let page = PageID(index)
      if allocator.referenceCount(page) != count {
        found.append("page \(index) has \(allocator.referenceCount(page)) references, but \(count) owners")
      }
      guard count == 0, !allocator.isFree(page) else { continue }
      idle += 1
      if !prefixes.contains(page) { found.append("page \(index) is leaked: no owner, not free, not cached") }
    }
    if idle != prefixes.numIdle { found.append("\(idle) idle pages, the cache counts \(prefixes.numIdle)") }
    return found
  }
}
