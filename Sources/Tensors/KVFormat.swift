/// Element type of the KV cache.
package enum KVFormat: UInt8, Sendable, BitwiseCopyable, CaseIterable {
  case bf16
  case f32
  /// Signed bytes with one f32 scale per token and KV head, for keys and for values.
  case q8

  /// Bytes of one key or value element, and of what every token keeps beside its elements.
  private var elementBytes: Int {
    switch self {
    case .bf16: 2
    case .f32: 4
    case .q8: 1
    }
  }
  private var scaleBytes: Int { self == .q8 ? 4 : 0 }

  /// Keys of one KV head in one page: `[slots / 16][headDim][16]`, then their scales `[slots]`.
  package func keyBytes(headDim: Int, pageSlots: Int) -> Int {
    pageSlots * (headDim * elementBytes + scaleBytes)
  }

  /// Values of one KV head in one page: `[slots][headDim rounded up to 16]`, then their scales `[slots]`.
  package func valueBytes(headDim: Int, pageSlots: Int) -> Int {
    pageSlots * ((headDim + 15) & ~15 * elementBytes + scaleBytes)
  }

  /// Keys and values of one token and KV head, without the padding of a page.
  package func bytesPerToken(headDim: Int) -> Int { 2 * (headDim * elementBytes + scaleBytes) }
}
