import Parsing

/// Tokens by their bytes and by their ids.
///
/// Keys are bytes, never `String`s: canonically equivalent texts are different tokens. One arena holds all of them; a
/// look-up is one probe of an open-addressing table, one comparison and no allocation.
struct Vocabulary: Sendable {
  /// Ids beyond this are refused when loading: the table by id is dense.
  static let largestID = 1 << 24

  private var arena: [UInt8] = []
  private var starts: [Int32] = [0]
  private var ids: [Int32] = []

  /// Upper half: hash, lower half: entry + 1; zero is empty.
  private var slots: [UInt64] = []

  /// Entry + 1 by id, zero where no token has the id.
  private var entryByID: [Int32] = []

  /// How many different tokens there are.
  private(set) var count = 0

  init(capacity: Int) {
    var slotCount = 16
    while slotCount < capacity * 2 { slotCount *= 2 }
    slots = [UInt64](repeating: 0, count: slotCount)
    starts.reserveCapacity(capacity + 1)
    ids.reserveCapacity(capacity)
    entryByID.reserveCapacity(capacity)
    arena.reserveCapacity(capacity * 8)
  }

  /// From `{"token": id, ...}`.
  init(_ object: JSONObject, place: String) throws(TokenizerError) {
    self.init(capacity: object.count)
    for member in object.members {
      guard case .integer(let id) = member.value, id >= 0, id <= Self.largestID else {
        throw TokenizerError(
          "the id of token \"\(member.key.prefix(80))\" in \(place) must be 0...\(Self.largestID), not \(member.value)"
        )
      }
      insert(member.key.utf8Span.span, id: Int32(id))
    }
  }

  /// A token that is there already gets the new id.
  mutating func insert(_ token: Span<UInt8>, id: Int32) {
    if (count + 1) * 2 > slots.count { grow() }
    let hash = ByteHash.hash(token)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let entry = Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1
      if slots[slot] >> 32 == hash >> 32, equals(entry, token) {
        ids[entry] = id
        setEntry(entry, for: id)
        return
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    let entry = ids.count
    slots[slot] = (hash >> 32) << 32 | UInt64(entry + 1)
    for index in token.indices { arena.append(token[index]) }
    starts.append(Int32(arena.count))
    ids.append(id)
    count += 1
    setEntry(entry, for: id)
  }

  func id(of token: Span<UInt8>) -> Int32? {
    let hash = ByteHash.hash(token)
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let value = slots[slot]
      if value == 0 { return nil }
      if value &>> 32 == hash &>> 32 {
        let entry = Int(truncatingIfNeeded: value & 0xFFFF_FFFF) &- 1
        if equals(entry, token) { return ids[entry] }
      }
      slot = (slot &+ 1) & mask
    }
  }

  func id(of token: [UInt8]) -> Int32? { id(of: token.span) }

  /// The same, for tokens asked for in about the order of insertion: the entry after the last one found is tried first,
  /// which spares the random access.
  func id(of token: Span<UInt8>, after entry: inout Int) -> Int32? {
    if entry + 1 < ids.count, equals(entry + 1, token) {
      entry += 1
      return ids[entry]
    }
    guard let id = id(of: token) else { return nil }
    entry = Int(entryByID[Int(id)]) - 1
    return id
  }

  /// The bytes of a token; nil for an id that no token has.
  func token(_ id: Int32) -> ArraySlice<UInt8>? {
    guard id >= 0, Int(id) < entryByID.count, entryByID[Int(id)] > 0 else { return nil }
    let entry = Int(entryByID[Int(id)]) - 1
    return arena[Int(starts[entry])..<Int(starts[entry + 1])]
  }

  /// One more than the largest id.
  var idLimit: Int { entryByID.count }

  /// Every token once, in the order of insertion.
  func forEach(_ body: (ArraySlice<UInt8>, Int32) -> Void) {
    for entry in ids.indices { body(arena[Int(starts[entry])..<Int(starts[entry + 1])], ids[entry]) }
  }

  private mutating func setEntry(_ entry: Int, for id: Int32) {
    while entryByID.count <= Int(id) { entryByID.append(0) }
    entryByID[Int(id)] = Int32(entry + 1)
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 2)
    for value in old where value != 0 {
      let entry = Int(value & 0xFFFF_FFFF) - 1
      let hash = ByteHash.hash(arena.span.extracting(Int(starts[entry])..<Int(starts[entry + 1])))
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = value
    }
  }

  @inline(__always)
  private func equals(_ entry: Int, _ token: Span<UInt8>) -> Bool {
    let start = Int(starts[entry])
    guard Int(starts[entry &+ 1]) &- start == token.count else { return false }
    let bytes = arena.span
    for index in token.indices where bytes[start &+ index] != token[index] { return false }
    return true
  }
}
