/// The members of a JSON object in the order of the text, found by the UTF-8 bytes of their keys.
///
/// A duplicate key stays in `members`; the last one wins on lookup. Lookup: a scan for few members, a hash table
/// (built once, at creation) for many.
package struct JSONObject: Sendable {
  package let members: [(key: String, value: JSONValue)]

  /// Open-addressing table of positions in `members`, -1 where empty; empty for small objects.
  private let slots: [Int32]

  private static let scanLimit = 12

  package init(_ members: [(key: String, value: JSONValue)]) {
    self.members = members
    self.slots = members.count > Self.scanLimit ? Self.index(members) : []
  }

  package init() { self.init([]) }

  package var count: Int { members.count }
  package var isEmpty: Bool { members.isEmpty }
  package var keys: [String] { members.map(\.key) }

  package subscript(_ key: String) -> JSONValue? {
    guard let position = position(of: key) else { return nil }
    return members[position].value
  }

  private func position(of key: String) -> Int? {
    guard !slots.isEmpty else { return members.lastIndex { $0.key.hasSameBytes(as: key) } }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: ByteHash.hash(key.utf8Span.span)) & mask
    while slots[slot] >= 0 {
      let position = Int(slots[slot])
      if members[position].key.hasSameBytes(as: key) { return position }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private static func index(_ members: [(key: String, value: JSONValue)]) -> [Int32] {
    var capacity = 16
    while capacity < members.count * 2 { capacity *= 2 }
    var slots = [Int32](repeating: -1, count: capacity)
    for (position, member) in members.enumerated() {
      var slot = Int(truncatingIfNeeded: ByteHash.hash(member.key.utf8Span.span)) & (capacity - 1)
      while slots[slot] >= 0, !members[Int(slots[slot])].key.hasSameBytes(as: member.key) {
        slot = (slot + 1) & (capacity - 1)
      }
      slots[slot] = Int32(position)
    }
    return slots
  }
}

extension JSONObject: Equatable {
  /// The same keys with equal values, in any order; of duplicates only the last one counts.
  package static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.allSatisfy { right[$0.key] == left[$0.key] }
      && right.members.allSatisfy { left[$0.key] != nil }
  }
}
