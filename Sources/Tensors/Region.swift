/// One of the three memories of a worker.
package enum Arena: UInt8, Sendable, BitwiseCopyable {
  /// Packed weights: written while loading, read only afterwards.
  case weights
  /// Activations of the current step, allocated once for the largest step.
  case workspace
  /// KV pages.
  case kv
}

/// A place in an arena: an offset instead of a pointer, so that step programs are plain values.
package struct Region: Sendable, Hashable, BitwiseCopyable {
  package var arena: Arena
  /// Bytes from the start of the arena.
  package var byteOffset: Int

  package init(arena: Arena, byteOffset: Int) {
    self.arena = arena
    self.byteOffset = byteOffset
  }

  /// The same place `elements` 4-byte elements further on.
  package func advanced(byFloats elements: Int) -> Region {
    Region(arena: arena, byteOffset: byteOffset + 4 * elements)
  }
}

/// Hands out the regions of one arena at build time; the sum becomes the arena's size.
package struct RegionAllocator: Sendable {
  package let arena: Arena
  /// Bytes handed out so far.
  package private(set) var byteCount = 0

  package init(_ arena: Arena) { self.arena = arena }

  /// A region of `bytes` bytes, aligned for whole cache lines.
  package mutating func take(bytes: Int) -> Region {
    precondition(bytes >= 0, "negative region of \(bytes) bytes")
    defer { byteCount += (bytes + 63) & ~63 }
    return Region(arena: arena, byteOffset: byteCount)
  }

  /// A region of `count` 4-byte elements.
  package mutating func take(floats count: Int) -> Region { take(bytes: 4 * count) }
}
