import KVCaching
import Testing

@Suite struct PagePoolTests {
  private func keys(_ tokens: [Int32], pageSize: Int) -> [PageKey] {
    var result: [PageKey] = []
    for start in stride(from: 0, to: tokens.count - pageSize + 1, by: pageSize) {
      result.append(PageKey(after: result.last, tokens: Array(tokens[start..<(start + pageSize)])))
    }
    return result
  }

  @Test func prefixIsTakenOver() {
    var pool = PagePool(numPages: 6, pageSize: 2, cachesPrefixes: true)
    let first = keys([1, 2, 3, 4, 5, 6], pageSize: 2)
    var a = PageTable()
    #expect(pool.grow(&a, toCover: 6))
    for (index, key) in first.enumerated() { pool.publish(key, pageAt: index, of: &a) }
    var b = PageTable()
    let second = keys([1, 2, 3, 4, 9, 9], pageSize: 2)
    #expect(pool.cachedPrefixLength(second) == 2)
    pool.adoptPrefix(second, limit: 5, into: &b)
    #expect(b.pages == Array(a.pages.prefix(2)))
    #expect(pool.problems(tables: [a, b]) == [])
    pool.release(&a)
    #expect(pool.numAvailable == 4)
    pool.release(&b)
    #expect(pool.numAvailable == 6)
    #expect(pool.cachedPrefixLength(first) == 3)
    var c = PageTable()
    #expect(pool.grow(&c, toCover: 12))
    #expect(pool.cachedPrefixLength(first) == 0)
    #expect(pool.problems(tables: [c]) == [])
  }

  @Test func lastPageOfAPrefixGoesFirst() {
    var pool = PagePool(numPages: 4, pageSize: 1, cachesPrefixes: true)
    let all = keys([1, 2, 3], pageSize: 1)
    var a = PageTable()
    #expect(pool.grow(&a, toCover: 3))
    for (index, key) in all.enumerated() { pool.publish(key, pageAt: index, of: &a) }
    pool.release(&a)
    var b = PageTable()
    #expect(pool.grow(&b, toCover: 2))
    #expect(pool.cachedPrefixLength(all) == 2)
    #expect(pool.problems(tables: [b]) == [])
  }

  @Test func equalPagesBecomeOne() {
    var pool = PagePool(numPages: 4, pageSize: 2, cachesPrefixes: true)
    let shared = keys([1, 2], pageSize: 2)
    var (a, b) = (PageTable(), PageTable())
    #expect(pool.grow(&a, toCover: 2))
    #expect(pool.grow(&b, toCover: 3))
    pool.publish(shared[0], pageAt: 0, of: &a)
    pool.publish(shared[0], pageAt: 0, of: &b)
    #expect(a.pages[0] == b.pages[0])
    #expect(pool.numAvailable == 2)
    #expect(pool.problems(tables: [a, b]) == [])
  }

  @Test func aCollisionIsNoHit() {
    var pool = PagePool(numPages: 4, pageSize: 2, cachesPrefixes: true)
    let (one, other) = (PageKey(hash: 7, tokens: [1, 2]), PageKey(hash: 7, tokens: [3, 4]))
    var (a, b) = (PageTable(), PageTable())
    #expect(pool.grow(&a, toCover: 2))
    #expect(pool.grow(&b, toCover: 4))
    pool.publish(one, pageAt: 0, of: &a)
    #expect(pool.cachedPrefixLength([other]) == 0)
    pool.publish(other, pageAt: 0, of: &b)
    pool.publish(PageKey(hash: 8, tokens: [5, 6]), pageAt: 1, of: &b)
    #expect(pool.prefixes.count == 1)
    #expect(pool.problems(tables: [a, b]) == [])
    pool.release(&b)
    pool.release(&a)
    #expect(pool.problems(tables: []) == [])
  }

  @Test func samePageAfterAnotherPrefixIsNoHit() {
    var pool = PagePool(numPages: 4, pageSize: 1, cachesPrefixes: true)
    let tail = PageKey(hash: 99, tokens: [5])
    var a = PageTable()
    #expect(pool.grow(&a, toCover: 2))
    pool.publish(PageKey(hash: 1, tokens: [1]), pageAt: 0, of: &a)
    pool.publish(tail, pageAt: 1, of: &a)
    #expect(pool.cachedPrefixLength([tail]) == 0)
  }

  @Test func tooFewPagesChangesNothing() {
    var pool = PagePool(numPages: 3, pageSize: 4, cachesPrefixes: false)
    var a = PageTable()
    #expect(pool.grow(&a, toCover: 5))
    #expect(!pool.grow(&a, toCover: 13))
    #expect(a.count == 2)
    #expect(pool.numAvailable == 1)
    pool.release(&a)
    #expect(pool.numAvailable == 3)
  }

  @Test func forgettingFreesEverything() {
    var pool = PagePool(numPages: 3, pageSize: 1, cachesPrefixes: true)
    var a = PageTable()
    #expect(pool.grow(&a, toCover: 3))
    for (index, key) in keys([4, 5, 6], pageSize: 1).enumerated() { pool.publish(key, pageAt: index, of: &a) }
    pool.release(&a)
    pool.forgetAll()
    #expect(pool.allocator.numFree == 3)
    #expect(pool.problems(tables: []) == [])
  }

  @Test func theCheckFindsALeak() {
    var pool = PagePool(numPages: 2, pageSize: 1, cachesPrefixes: false)
    var a = PageTable()
    #expect(pool.grow(&a, toCover: 1))
    #expect(!pool.problems(tables: []).isEmpty)
    #expect(!pool.problems(tables: [a, a]).isEmpty)
  }
}
