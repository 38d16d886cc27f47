/// What a full page holds: its tokens, and through the hash everything before them.
///
/// Two pages with equal keys *and* equal predecessors hold the same keys and values to the bit, because a row's
/// result never depends on the batch or chunk that computed it.
package struct PageKey: Sendable, Hashable {
  /// Hash of all tokens from the first of the sequence to the last of this page.
  package let hash: UInt64
  /// The tokens of this page, `pageSize` of them.
  package let tokens: [Int32]

  package init(hash: UInt64, tokens: [Int32]) {
    self.hash = hash
    self.tokens = tokens
  }

  /// The key of the page after the one hashed to `parent`, or of a first page.
  package init(after parent: PageKey?, tokens: [Int32]) {
    var hash = parent?.hash ?? 0x6d65_7368_6465_636f
    for token in tokens { hash = Self.mix(hash, UInt64(UInt32(bitPattern: token))) }
    self.init(hash: hash, tokens: tokens)
  }

  /// One step of the chain: a 64 x 64 -> 128 bit product folded by xor, which spreads every input bit.
  private static func mix(_ hash: UInt64, _ value: UInt64) -> UInt64 {
    let spread = (value &+ 1) &* 0xd6e8_feb8_6659_fd93 | 1
    let product = (hash ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(by: spread)
    return product.high ^ product.low &+ hash
  }
}
