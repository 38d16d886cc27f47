/// Which full pages of one attention group hold which tokens, so that a sequence that starts with the same tokens
/// takes them over instead of computing them again.
///
/// A cached page knows its key and the page before it; together they form a forest whose paths are token prefixes.
/// A hash only finds a candidate: tokens and predecessor are compared before it is believed. Pages that no sequence
/// references stay here until their memory is needed, least recently used first.
///
/// Invariant: whoever references a page references all pages before it, and lets go of the last page first. So in the
/// least-recently-used list a page always comes after its successors, and eviction never leaves one without its
/// predecessor.
package struct PrefixCache: Sendable {
  private struct Node: Sendable {
    var key: PageKey
    /// The page before; `none` for a first page.
    var parent: Int32
    /// Neighbours in the list of idle pages; `none` at its ends, `busy` while the page is referenced.
    var previous: Int32
    var next: Int32
  }

  private static let none: Int32 = -1
  private static let busy: Int32 = -2

  private var nodes: [Node?]
  private var pageByHash: [UInt64: PageID] = [:]
  private var oldest = Self.none
  private var newest = Self.none
  /// Cached pages that nobody references.
  package private(set) var numIdle = 0

  package init(numPages: Int) {
    self.nodes = Array(repeating: nil, count: numPages)
  }

  /// Cached pages in all.
  package var count: Int { pageByHash.count }

  package func contains(_ page: PageID) -> Bool { nodes[page.index] != nil }

  /// The cached page for `key` after `parent` (nil: a first page), if there is one.
  package func page(for key: PageKey, after parent: PageID?) -> PageID? {
    guard let page = pageByHash[key.hash], let node = nodes[page.index] else { return nil }
    guard node.parent == (parent?.rawValue ?? Self.none), node.key.tokens == key.tokens else { return nil }
    return page
  }

  /// Notes that `page`, which is referenced, now holds `key` after `parent`.
  ///
  /// Nothing is noted when the predecessor is not cached or another key has the same hash: then later pages of that
  /// sequence cannot be found either, which costs time but never correctness. The same content must not be cached
  /// already; ask `page(for:after:)` first.
  package mutating func insert(_ page: PageID, key: PageKey, after parent: PageID?) {
    precondition(nodes[page.index] == nil, "page \(page.rawValue) is cached already")
    if let parent, nodes[parent.index] == nil { return }
    guard pageByHash[key.hash] == nil else { return }
    pageByHash[key.hash] = page
    nodes[page.index] = Node(
      key: key, parent: parent?.rawValue ?? Self.none, previous: Self.busy, next: Self.busy)
  }

  /// The last reference to a cached page is gone: it becomes the most recently used idle page.
  package mutating func becameIdle(_ page: PageID) {
    nodes[page.index]!.previous = newest
    nodes[page.index]!.next = Self.none
    if newest == Self.none {
      oldest = page.rawValue
    } else {
      nodes[Int(newest)]!.next = page.rawValue
    }
    newest = page.rawValue
    numIdle += 1
  }

  /// An idle page is referenced again.
  package mutating func becameBusy(_ page: PageID) {
    unlink(page)
    nodes[page.index]!.previous = Self.busy
    nodes[page.index]!.next = Self.busy
  }

  /// Forgets the least recently used idle page and names it, or nil when none is idle.
  package mutating func evict() -> PageID? {
    guard oldest != Self.none else { return nil }
    let page = PageID(rawValue: oldest)
    unlink(page)
    pageByHash[nodes[page.index]!.key.hash] = nil
    nodes[page.index] = nil
    return page
  }

  private mutating func unlink(_ page: PageID) {
    let (previous, next) = (nodes[page.index]!.previous, nodes[page.index]!.next)
    precondition(previous != Self.busy, "page \(page.rawValue) is not idle")
    if previous == Self.none { oldest = next } else { nodes[Int(previous)]!.next = next }
    if next == Self.none { newest = previous } else { nodes[Int(next)]!.previous = previous }
    numIdle -= 1
  }
}

extension PrefixCache {
  /// What is inconsistent, for tests and drills; `isReferenced` tells which pages have owners. O(pages).
  package func problems(isReferenced: (PageID) -> Bool) -> [String] {
    var found: [String] = []
    var place: [Int32: Int] = [:]
    var walk = oldest
    while walk != Self.none, place.count <= nodes.count {
      place[walk] = place.count
      walk = nodes[Int(walk)]?.next ?? Self.none
    }
    if place.count != numIdle { found.append("\(numIdle) idle pages counted, \(place.count) listed") }
    var cached = 0
    for (index, node) in nodes.enumerated() {
      guard let node else { continue }
      cached += 1
      let position = place[Int32(index)]
      if pageByHash[node.key.hash] != PageID(index) { found.append("page \(index) is not found by its hash") }
      if isReferenced(PageID(index)) == (position != nil) {
        found.append("cached page \(index) is both referenced and idle, or neither")
      }
      guard node.parent != Self.none else { continue }
      if nodes[Int(node.parent)] == nil {
        found.append("cached page \(index) lost its predecessor \(node.parent)")
      } else if let position, let before = place[node.parent], before < position {
        found.append("page \(node.parent) would be evicted before its successor \(index)")
      } else if position == nil, place[node.parent] != nil {
        found.append("page \(index) is referenced, but its predecessor \(node.parent) is not")
      }
    }
    if cached != pageByHash.count { found.append("\(cached) cached pages, \(pageByHash.count) hashes") }
    return found
  }
}
