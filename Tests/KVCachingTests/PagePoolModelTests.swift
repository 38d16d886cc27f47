import KVCaching
import Testing

private struct Random {
  var state: UInt64

  mutating func below(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }
}

/// A sequence as the scheduler drives it, with the truth about what its pages hold.
private struct Owner {
  var tokens: [Int32] = []
  var table = PageTable()
  var published = 0
}

/// The pool against a model that remembers what was written into every page.
private struct Model {
  let pageSize: Int
  let hashBits: Int
  var pool: PagePool
  var owners: [Owner] = []
  /// What each page really holds: the whole prefix up to its end.
  var content: [[Int32]]

  init(numPages: Int, pageSize: Int, cachesPrefixes: Bool, hashBits: Int) {
    self.pageSize = pageSize
    self.hashBits = hashBits
    self.pool = PagePool(numPages: numPages, pageSize: pageSize, cachesPrefixes: cachesPrefixes)
    self.content = Array(repeating: [], count: numPages)
  }

  /// Keys with a hash cut to `hashBits`, so that collisions are common.
  func keys(_ tokens: [Int32]) -> [PageKey] {
    var chain: PageKey?
    return (0..<(tokens.count / pageSize)).map { index in
      let key = PageKey(after: chain, tokens: Array(tokens[(index * pageSize)..<((index + 1) * pageSize)]))
      chain = key
      return PageKey(hash: key.hash & (UInt64.max >> UInt64(64 - hashBits)), tokens: key.tokens)
    }
  }

  mutating func admit(_ tokens: [Int32]) {
    var owner = Owner(tokens: tokens)
    let keys = keys(tokens)
    let hit = pool.cachedPrefixLength(keys)
    pool.adoptPrefix(keys, limit: keys.count, into: &owner.table)
    #expect(owner.table.count == hit)
    for (index, page) in owner.table.pages.enumerated() {
      #expect(
        content[page.index] == Array(tokens.prefix((index + 1) * pageSize)), "a wrong page was taken over")
    }
    owner.published = hit
    owners.append(owner)
    compute(owners.count - 1)
  }

  /// Computes all tokens of an owner: pages are granted, written, and published when full.
  mutating func compute(_ index: Int) {
    let before = owners[index].table.count
    guard pool.grow(&owners[index].table, toCover: owners[index].tokens.count) else {
      release(index)
      return
    }
    let tokens = owners[index].tokens
    for (place, page) in owners[index].table.pages.enumerated() where place >= owners[index].published {
      #expect(
        place < before || pool.allocator.referenceCount(page) == 1, "page \(page.rawValue) was granted twice")
      content[page.index] = Array(tokens.prefix((place + 1) * pageSize))
    }
    let keys = keys(tokens)
    while owners[index].published < keys.count {
      let place = owners[index].published
      pool.publish(keys[place], pageAt: place, of: &owners[index].table)
      owners[index].published += 1
    }
    for (place, page) in owners[index].table.pages.enumerated() {
      #expect(
        content[page.index] == Array(tokens.prefix((place + 1) * pageSize)), "a page holds other tokens")
    }
  }

  mutating func release(_ index: Int) {
    pool.release(&owners[index].table)
    owners.swapAt(index, owners.count - 1)
    owners.removeLast()
  }
}

@Suite struct PagePoolModelTests {
  @Test(arguments: 0..<60) func randomLives(seed: Int) {
    var random = Random(state: UInt64(seed) &* 77 &+ 5)
    var model = Model(
      numPages: 1 + random.below(14), pageSize: 1 + random.below(3), cachesPrefixes: random.below(5) != 0,
      hashBits: [3, 5, 64][random.below(3)])
    for action in 0..<250 {
      switch random.below(4) {
      case 0, 1:
        if model.owners.isEmpty || random.below(2) == 0 {
          model.admit((0..<(1 + random.below(8))).map { _ in Int32(random.below(2)) })
        } else {
          let index = random.below(model.owners.count)
          model.owners[index].tokens.append(Int32(random.below(2)))
          model.compute(index)
        }
      case 2 where !model.owners.isEmpty:
        model.release(random.below(model.owners.count))
      case 3 where !model.owners.isEmpty:
        let donor = model.owners[random.below(model.owners.count)]
        var owner = Owner(tokens: donor.tokens)
        owner.published = random.below(donor.tokens.count / model.pageSize + 1)
        model.pool.share(donor.table, count: owner.published, into: &owner.table)
        model.owners.append(owner)
        model.compute(model.owners.count - 1)
      default: break
      }
      let problems = model.pool.problems(tables: model.owners.map(\.table))
      #expect(problems == [], "seed \(seed), action \(action)")
      if !problems.isEmpty { return }
    }
    while !model.owners.isEmpty { model.release(0) }
    #expect(model.pool.numAvailable == model.pool.allocator.numPages, "seed \(seed)")
  }

  /// Every order of six operations on a pool of three pages.
  @Test func everyShortLife() {
    var lives = 0
    func explore(_ model: Model, depth: Int) {
      lives += 1
      #expect(model.pool.problems(tables: model.owners.map(\.table)) == [])
      guard depth > 0 else { return }
      for tokens in [[1, 2], [1, 3], [1, 2, 3]] as [[Int32]] where model.owners.count < 3 {
        var next = model
        next.admit(tokens)
        explore(next, depth: depth - 1)
      }
      for index in model.owners.indices {
        var next = model
        next.release(index)
        explore(next, depth: depth - 1)
      }
    }
    explore(Model(numPages: 3, pageSize: 1, cachesPrefixes: true, hashBits: 64), depth: 6)
    #expect(lives > 1000)
  }
}
