/// What two neighbouring tokens merge to, and how early: open addressing over packed pairs.
struct MergeTable: Sendable {
  struct Merge: BitwiseCopyable, Sendable {
    /// Position in the list of merges: lower goes first.
    var rank: UInt32
    var id: Int32
  }

  private struct Entry: BitwiseCopyable {
    var key: UInt64
    var merge: Merge
  }

  /// No pair of ids packs to this.
  private static let empty = UInt64.max

  private var entries: [Entry]
  private let shift: UInt64

  init(capacity: Int) {
    var bits: UInt64 = 4
    while 1 << bits < capacity * 2 { bits += 1 }
    entries = Array(
      repeating: Entry(key: Self.empty, merge: Merge(rank: .max, id: 0)), count: 1 << Int(bits))
    shift = 64 - bits
  }

  /// A pair that is there already gets the later merge. At most `capacity` pairs may be inserted.
  mutating func insert(_ left: Int32, _ right: Int32, rank: UInt32, id: Int32) {
    let key = Self.key(left, right)
    var slot = self.slot(key)
    while entries[slot].key != Self.empty, entries[slot].key != key {
      slot = (slot + 1) & (entries.count - 1)
    }
    entries[slot] = Entry(key: key, merge: Merge(rank: rank, id: id))
  }

  /// The merge of a pair; its rank is `UInt32.max` when there is none.
  @inline(__always)
  func merge(_ left: Int32, _ right: Int32) -> Merge {
    let key = Self.key(left, right)
    var slot = self.slot(key)
    while true {
      let entry = entries[slot]
      if entry.key == key || entry.key == Self.empty { return entry.merge }
      slot = (slot &+ 1) & (entries.count &- 1)
    }
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) &<< 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  private func slot(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> shift)
  }
}
