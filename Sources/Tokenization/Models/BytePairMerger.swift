/// Merges the symbols of one word, lowest rank first and leftmost among equal ranks (R. Sennrich, B. Haddow, A. Birch,
/// "Neural machine translation of rare words with subword units", 2016).
///
/// Short words: the ranks of all neighbours in a row, scanned for the least one. Long ones: a heap of candidates over a
/// linked list, so that a megabyte in one word costs n log n. Both give the same result.
struct BytePairMerger {
  private static let scanLimit = 48

  /// The symbols, before and after `merge`.
  var symbols: [Int32] = []

  private var merges: [MergeTable.Merge] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  private var heap: [UInt64] = []

  mutating func merge(_ table: borrowing MergeTable) {
    if symbols.count < 2 { return }
    if symbols.count <= Self.scanLimit { mergeByScanning(table) } else { mergeByHeap(table) }
  }

  private mutating func mergeByScanning(_ table: borrowing MergeTable) {
    var count = symbols.count
    merges.removeAll(keepingCapacity: true)
    for index in 0..<(count &- 1) { merges.append(table.merge(symbols[index], symbols[index &+ 1])) }
    while count > 1 {
      var best = 0
      var rank = merges[0].rank
      for index in 1..<max(1, count &- 1) where merges[index].rank < rank {
        rank = merges[index].rank
        best = index
      }
      if rank == .max { break }
      symbols[best] = merges[best].id
      count &-= 1
      var index = best &+ 1
      while index < count {
        symbols[index] = symbols[index &+ 1]
        if index < count &- 1 { merges[index] = merges[index &+ 1] }
        index &+= 1
      }
      if best > 0 { merges[best &- 1] = table.merge(symbols[best &- 1], symbols[best]) }
      if best < count &- 1 { merges[best] = table.merge(symbols[best], symbols[best &+ 1]) }
    }
    symbols.removeLast(symbols.count - count)
  }

  private mutating func mergeByHeap(_ table: borrowing MergeTable) {
    let count = symbols.count
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    for index in 0..<count {
      previous.append(Int32(truncatingIfNeeded: index - 1))
      next.append(index + 1 < count ? Int32(truncatingIfNeeded: index + 1) : -1)
      if index + 1 < count {
        let merge = table.merge(symbols[index], symbols[index + 1])
        if merge.rank != .max { heap.append(UInt64(merge.rank) << 32 | UInt64(index)) }
      }
    }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    while let top = pop() {
      let position = Int(top & 0xFFFF_FFFF)
      // Entries are not removed when their pair goes away; they are recognised here.
      guard symbols[position] >= 0, next[position] >= 0 else { continue }
      let right = Int(next[position])
      let merge = table.merge(symbols[position], symbols[right])
      guard UInt64(merge.rank) == top >> 32 else { continue }
      symbols[position] = merge.id
      symbols[right] = -1
      next[position] = next[right]
      if next[right] >= 0 { previous[Int(next[right])] = Int32(position) }
      if previous[position] >= 0 { pushPair(Int(previous[position]), table) }
      if next[position] >= 0 { pushPair(position, table) }
    }
    symbols.removeAll { $0 < 0 }
  }

  private mutating func pushPair(_ position: Int, _ table: borrowing MergeTable) {
    let merge = table.merge(symbols[position], symbols[Int(next[position])])
    if merge.rank == .max { return }
    heap.append(UInt64(merge.rank) << 32 | UInt64(position))
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      if heap[parent] <= heap[index] { break }
      heap.swapAt(parent, index)
      index = parent
    }
  }

  private mutating func pop() -> UInt64? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      heap[0] = last
      siftDown(0)
    }
    return top
  }

  private mutating func siftDown(_ start: Int) {
    var index = start
    while true {
      var child = 2 * index + 1
      if child >= heap.count { return }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      if heap[index] <= heap[child] { return }
      heap.swapAt(index, child)
      index = child
    }
  }
}
