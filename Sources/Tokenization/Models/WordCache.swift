import Parsing

/// Ids of words met before in the same text, by the bytes of the word.
///
/// Lives as long as one call of `encode`: no locks, nothing shared. A text repeats its words, so most of a long one is
/// answered from here; a short one pays a few hundred bytes.
struct WordCache {
  private static let largestWord = 128
  private static let entryLimit = 1 << 16

  private struct Entry: BitwiseCopyable {
    var hash: UInt64
    var wordStart: Int32
    var wordCount: Int32
    var idStart: Int32
    var idCount: Int32
  }

  private var entries: [Entry] = []
  private var slots: [Int32] = []
  private var words: [UInt8] = []
  private var ids: [Int32] = []

  static func accepts(_ word: Range<Int>) -> Bool { word.count <= largestWord }

  /// Appends the ids of the word and returns true, or returns false.
  mutating func append(_ word: Span<UInt8>, hash: UInt64, to result: inout [Int32]) -> Bool {
    if slots.isEmpty { return false }
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] > 0 {
      let entry = entries[Int(slots[slot]) &- 1]
      if entry.hash == hash, Int(entry.wordCount) == word.count, equals(entry, word) {
        let start = Int(entry.idStart)
        for index in start..<(start &+ Int(entry.idCount)) { result.append(ids[index]) }
        return true
      }
      slot = (slot &+ 1) & mask
    }
    return false
  }

  /// Remembers a word that is not there yet.
  mutating func insert(_ word: Span<UInt8>, hash: UInt64, ids newIDs: ArraySlice<Int32>) {
    if entries.count >= Self.entryLimit { return }
    if (entries.count + 1) * 2 > slots.count { grow() }
    let entry = Entry(
      hash: hash, wordStart: Int32(words.count), wordCount: Int32(word.count), idStart: Int32(ids.count),
      idCount: Int32(newIDs.count))
    for index in word.indices { words.append(word[index]) }
    ids.append(contentsOf: newIDs)
    entries.append(entry)
    place(entries.count)
  }

  private mutating func grow() {
    slots = [Int32](repeating: 0, count: max(64, slots.count * 4))
    for number in 0..<entries.count { place(number + 1) }
  }

  private mutating func place(_ number: Int) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: entries[number - 1].hash) & mask
    while slots[slot] > 0 { slot = (slot + 1) & mask }
    slots[slot] = Int32(number)
  }

  @inline(__always)
  private func equals(_ entry: Entry, _ word: Span<UInt8>) -> Bool {
    let start = Int(entry.wordStart)
    let bytes = words.span
    for index in word.indices where bytes[start &+ index] != word[index] { return false }
    return true
  }
}
