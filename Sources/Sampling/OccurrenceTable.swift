package import Wire

/// Which tokens a sequence has seen, and how often its output holds each: what penalties need.
///
/// Open addressing with linear probing; finding or adding a token takes a few steps, and nothing is allocated until
/// the table is half full.
package struct OccurrenceTable: Sendable {
  private static let empty: Int32 = -1

  private var tokens: [Int32]
  private var outputCounts: [Int32]
  package private(set) var count = 0

  /// An empty table with room for `capacity` different tokens.
  package init(capacity: Int) {
    var size = 16
    while size < capacity * 2 { size *= 2 }
    tokens = Array(repeating: Self.empty, count: size)
    outputCounts = Array(repeating: 0, count: size)
  }

  /// Notes a token of the prompt (0) or of the output (1).
  package mutating func add(_ token: TokenID, outputs: Int32) {
    if (count + 1) * 2 > tokens.count { grow() }
    let place = place(of: token.rawValue)
    if tokens[place] == Self.empty {
      tokens[place] = token.rawValue
      count += 1
    }
    outputCounts[place] &+= outputs
  }

  /// Calls `body` with every token seen and its count in the output, in no useful order.
  @inline(__always)
  func forEach(_ body: (Int, Int32) -> Void) {
    for place in tokens.indices where tokens[place] != Self.empty {
      body(Int(tokens[place]), outputCounts[place])
    }
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
    for place in old.tokens.indices where old.tokens[place] != Self.empty {
      add(TokenID(rawValue: old.tokens[place]), outputs: old.outputCounts[place])
    }
  }
}
