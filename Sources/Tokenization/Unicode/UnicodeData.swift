/// Character data that the reference tokenizers rely on, in the versions of Unicode that they carry.
///
/// WHY: a later version would be more correct and yet give other ids: normalisation follows Unicode 9, the punctuation
/// of BERT Unicode 8, regular expressions Unicode 16. The tables are strings of numbers in base 32 (see
/// `PackedNumbers`), decoded on first use.
enum UnicodeData {}

/// Reads numbers packed into printable characters: five bits each, least significant first, bit six says "more".
struct PackedNumbers: IteratorProtocol {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: StaticString) { bytes = Array(text.description.utf8) }

  mutating func next() -> Int? {
    var value = 0
    var shift = 0
    while position < bytes.count {
      let digit = Self.digit(bytes[position])
      position += 1
      value |= (digit & 31) << shift
      shift += 5
      if digit < 32 { return value }
    }
    return nil
  }

  private static func digit(_ byte: UInt8) -> Int {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 65 + 10
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte) - 97 + 36
    case UInt8(ascii: "-"): 62
    default: 63
    }
  }
}

/// A number for every scalar, most of them zero: pages of 256, equal pages stored once only when empty.
struct ScalarTable<Value: FixedWidthInteger & Sendable>: Sendable {
  private var pages = [Int32](repeating: 0, count: 0x1100)
  private var values = [Value](repeating: 0, count: 256)

  subscript(_ scalar: UInt32) -> Value {
    @inline(__always) get {
      values[Int(pages[Int(truncatingIfNeeded: scalar &>> 8)]) &+ Int(truncatingIfNeeded: scalar & 0xFF)]
    }
    set {
      let page = Int(scalar >> 8)
      if pages[page] == 0 {
        if newValue == 0 { return }
        pages[page] = Int32(values.count)
        values.append(contentsOf: repeatElement(0, count: 256))
      }
      values[Int(pages[page]) + Int(scalar & 0xFF)] = newValue
    }
  }

  /// From runs of (gap to the run before, length - 1, value).
  init(runs text: StaticString) {
    self.init()
    var numbers = PackedNumbers(text)
    var next = 0
    while let gap = numbers.next(), let length = numbers.next(), let value = numbers.next() {
      let start = next + gap
      next = start + length + 1
      for scalar in start..<next { self[UInt32(scalar)] = Value(value) }
    }
  }

  init() {}
}
