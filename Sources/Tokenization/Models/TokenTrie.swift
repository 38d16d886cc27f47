/// Byte strings with values, found as prefixes of a text: a trie whose children lie side by side, in order of their byte.
///
/// Built breadth first from sorted keys. Cost of a walk: one step per byte, each a binary search among the children.
struct TokenTrie: Sendable {
  private struct Node: BitwiseCopyable {
    /// The first child; the children end where those of the next node begin.
    var firstChild: Int32
    /// -1 where no key ends.
    var value: Int32
  }

  private var nodes: [Node] = []
  private var labels: [UInt8] = []

  /// The child of the root for each byte, -1 for none.
  private var roots = [Int32](repeating: -1, count: 256)

  static let root: Int32 = 0

  /// A later key overrides an equal earlier one. Keys should not be empty.
  init(_ keys: [(bytes: ArraySlice<UInt8>, value: Int32)]) {
    struct Key {
      var prefix: UInt64
      var index: Int32
    }
    struct Open {
      var low: Int
      var high: Int
      var depth: Int
    }
    let order = keys.indices.map { index in
      var prefix: UInt64 = 0
      for byte in keys[index].bytes.prefix(8) { prefix = prefix << 8 | UInt64(byte) }
      prefix <<= UInt64(8 * (8 - min(8, keys[index].bytes.count)))
      return Key(prefix: prefix, index: Int32(index))
    }.sorted { left, right in
      if left.prefix != right.prefix { return left.prefix < right.prefix }
      let a = keys[Int(left.index)].bytes
      let b = keys[Int(right.index)].bytes
      if a.elementsEqual(b) { return left.index < right.index }
      return a.lexicographicallyPrecedes(b)
    }
    nodes.append(Node(firstChild: 1, value: -1))
    labels.append(0)
    var queue = [Open(low: 0, high: order.count, depth: 0)]
    var head = 0
    while head < queue.count {
      let open = queue[head]
      var low = open.low
      nodes[head].firstChild = Int32(nodes.count)
      while low < open.high, keys[Int(order[low].index)].bytes.count == open.depth {
        nodes[head].value = keys[Int(order[low].index)].value
        low += 1
      }
      while low < open.high {
        let byte = Self.byte(keys[Int(order[low].index)].bytes, open.depth)
        var high = low + 1
        while high < open.high, Self.byte(keys[Int(order[high].index)].bytes, open.depth) == byte {
          high += 1
        }
        if head == 0 { roots[Int(byte)] = Int32(nodes.count) }
        nodes.append(Node(firstChild: 0, value: -1))
        labels.append(byte)
        queue.append(Open(low: low, high: high, depth: open.depth + 1))
        low = high
      }
      head += 1
    }
    nodes.append(Node(firstChild: Int32(nodes.count), value: -1))
  }

  private static func byte(_ key: ArraySlice<UInt8>, _ depth: Int) -> UInt8 { key[key.startIndex + depth] }

  @inline(__always)
  func child(of node: Int32, _ byte: UInt8) -> Int32? {
    if node == Self.root {
      let child = roots[Int(byte)]
      return child < 0 ? nil : child
    }
    var low = Int(nodes[Int(node)].firstChild)
    var high = Int(nodes[Int(node) &+ 1].firstChild)
    while low < high {
      let middle = (low &+ high) &>> 1
      if labels[middle] < byte { low = middle &+ 1 } else { high = middle }
    }
    guard low < Int(nodes[Int(node) &+ 1].firstChild), labels[low] == byte else { return nil }
    return Int32(truncatingIfNeeded: low)
  }

  /// -1 where no key ends.
  @inline(__always)
  func value(_ node: Int32) -> Int32 { nodes[Int(node)].value }

  /// True if some key starts with this byte.
  @inline(__always)
  func hasRoot(_ byte: UInt8) -> Bool { roots[Int(byte)] >= 0 }

  /// The longest key at `start`: its value and its end.
  func longest(in bytes: Span<UInt8>, at start: Int, end: Int, from first: Int32 = root) -> (
    value: Int32, end: Int
  )? {
    var node = first
    var result: (value: Int32, end: Int)?
    var index = start
    while index < end, let child = child(of: node, bytes[index]) {
      node = child
      index &+= 1
      if value(node) >= 0 { result = (value(node), index) }
    }
    return result
  }
}
