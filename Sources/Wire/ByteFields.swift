internal import KVCaching
internal import Parsing

/// Fields that several messages share.
extension ByteReader {
  mutating func epoch() throws(ParseError) -> Epoch { Epoch(rawValue: try u64("epoch")) }

  mutating func step() throws(ParseError) -> StepNumber { StepNumber(rawValue: try u64("step")) }

  /// An i32 that must not be negative.
  mutating func index(_ field: StaticString) throws(ParseError) -> Int32 {
    let start = position
    let value = try i32(field)
    guard value >= 0 else { throw ParseError(message: "\(field) is \(value), below 0", byteOffset: start) }
    return value
  }

  mutating func token(_ field: StaticString = "token id") throws(ParseError) -> TokenID {
    TokenID(rawValue: try index(field))
  }

  mutating func tokens(_ field: StaticString) throws(ParseError) -> [TokenID] {
    let count = try count(of: 4, field)
    var result: [TokenID] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try token(field)) }
    return result
  }

  /// A presence byte, then the value.
  mutating func optional<Value>(
    _ field: StaticString, _ read: (inout ByteReader) throws(ParseError) -> Value
  ) throws(ParseError) -> Value? {
    try bool(field) ? try read(&self) : nil
  }

  /// A count, then the elements, each at least `minimumBytes` long.
  mutating func list<Element>(
    _ field: StaticString, minimumBytes: Int, _ read: (inout ByteReader) throws(ParseError) -> Element
  ) throws(ParseError) -> [Element] {
    let count = try count(of: minimumBytes, field)
    var result: [Element] = []
    result.reserveCapacity(min(count, 4096))
    for _ in 0..<count { result.append(try read(&self)) }
    return result
  }

  /// As `list`, over the elements of `list`: those that are there are read anew in their own memory.
  mutating func list<Element>(
    into list: inout [Element], _ field: StaticString, minimumBytes: Int,
    empty: @autoclosure () -> Element, _ read: (inout ByteReader, inout Element) throws(ParseError) -> Void
  ) throws(ParseError) {
    let count = try count(of: minimumBytes, field)
    if list.count > count { list.removeLast(list.count - count) }
    // Room for what a sequence grows by, so that one more page is no new allocation; wild counts reserve little.
    if list.capacity < count { list.reserveCapacity(max(64, min(2 * count, 4096))) }
    for index in 0..<count {
      if index == list.count { list.append(empty()) }
      try read(&self, &list[index])
    }
  }

  /// One byte that names a case.
  mutating func choice<Choice: RawRepresentable<UInt8>>(_ field: StaticString) throws(ParseError) -> Choice {
    let start = position
    let byte = try u8(field)
    guard let value = Choice(rawValue: byte) else {
      throw ParseError(message: "\(field) \(byte) is unknown", byteOffset: start)
    }
    return value
  }

  /// Seconds of prose that a peer may send: bounded, so that a log line stays one.
  mutating func sentence(_ field: StaticString) throws(ParseError) -> String {
    try lengthPrefixedString(atMost: 1 << 16, field)
  }
}

extension ByteWriter {
  mutating func epoch(_ value: Epoch) { u64(value.rawValue) }

  mutating func step(_ value: StepNumber) { u64(value.rawValue) }

  mutating func tokens(_ values: [TokenID]) {
    count(values.count)
    for value in values { i32(value.rawValue) }
  }

  mutating func pages(_ values: [PageID]) {
    count(values.count)
    for value in values { i32(value.rawValue) }
  }

  mutating func optional<Value>(_ value: Value?, _ write: (inout ByteWriter, Value) -> Void) {
    bool(value != nil)
    if let value { write(&self, value) }
  }

  mutating func list<Element>(_ values: [Element], _ write: (inout ByteWriter, Element) -> Void) {
    count(values.count)
    for value in values { write(&self, value) }
  }

  /// Text cut at a character boundary so that the reader's bound holds.
  mutating func sentence(_ value: String) {
    var text = value
    while text.utf8.count > 1 << 16 { text = String(text.dropLast(max(1, text.count / 8))) }
    lengthPrefixedString(text)
  }
}
