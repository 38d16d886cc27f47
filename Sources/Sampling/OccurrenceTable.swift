package import Wire

/// Which tokens a sequence has seen, and how often its output holds each: what penalties need.
///
/// Open addressing with linear probing; finding or adding a token takes a few steps, and nothing is allocated until
/// the table is half full.
package struct OccurrenceTable: Sendable {
  private static let empty: Int32 = -1

  private var tokens: [Int32]
  private var outputCounts: [Int32]
  /// Places in use, in the order in which tokens came.
  private var places: [Int32] = []

  package var count: Int { places.count }

  /// An empty table with room for `capacity` different tokens.
  package init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    tokens = Array(repeating: Self.empty, count: size)
    outputCounts = Array(repeating: 0, count: size)
    places.reserveCapacity(size / 2)
  }

  /// Notes a token of the prompt (0) or of the output (1).
  package mutating func add(_ token: TokenID, outputs: Int32) {
    if (count + 1) * 2 > tokens.count { grow() }
    let place = place(of: token.rawValue)
    if tokens[place] == Self.empty {
      tokens[place] = token.rawValue
      places.append(Int32(place))
    }
    outputCounts[place] &+= outputs
  }

  /// Calls `body` with every token seen and its count in the output.
  @inline(__always)
  func forEach(_ body: (Int, Int32) -> Void) {
    for place in places { body(Int(tokens[Int(place)]), outputCounts[Int(place)]) }
  }

  private func place(of token: Int32) -> Int {
    let mask = tokens.count - 1
    var place = Int((UInt32(bitPattern: token) &* 0x9e37_79b1) >> 7) & mask
    while tokens[place] != Self.empty, tokens[place] != token { place = (place + 1) & mask }
    return place
  }

  private mutating func grow() {
    let old = self
    self = OccurrenceTable(capacity: old.tokens.count)
    for place in old.places {
      add(TokenID(rawValue: old.tokens[Int(place)]), outputs: old.outputCounts[Int(place)])
    }
  }
}
