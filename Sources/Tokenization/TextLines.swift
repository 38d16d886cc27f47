import Parsing

/// The commands `tokenize` and `detokenize`: one JSON line in, one JSON line out.
///
/// An unusable line gives `{"error": "sentence"}` and never ends the run.
package struct TextLines: Sendable {
  private let tokenizer: Tokenizer

  package init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

  /// A JSON string to a JSON array of ids, without a newline.
  package func tokenize(_ line: [UInt8], addSpecialTokens: Bool) -> [UInt8] {
    do {
      guard case .string(let text) = try JSONReader.parse(line) else {
        return Self.error("a line of tokenize must be one JSON string")
      }
      return Self.array(try tokenizer.encode(text, addSpecialTokens: addSpecialTokens))
    } catch {
      return Self.error("\(error)")
    }
  }

  /// A JSON array of ids to a JSON string, without a newline.
  package func detokenize(_ line: [UInt8], skipSpecialTokens: Bool) -> [UInt8] {
    do {
      guard case .array(let values) = try JSONReader.parse(line) else {
        return Self.error("a line of detokenize must be one JSON array of token ids")
      }
      var ids: [Int32] = []
      ids.reserveCapacity(values.count)
      for value in values {
        guard case .integer(let number) = value, let id = Int32(exactly: number), id >= 0 else {
          return Self.error(
            "a token id must be a whole number of 0...\(Int32.max), not \(JSONWriter.string(value))")
        }
        ids.append(id)
      }
      return JSONWriter.quoted(tokenizer.decode(ids, skipSpecialTokens: skipSpecialTokens))
    } catch {
      return Self.error("\(error)")
    }
  }

  private static func array(_ ids: [Int32]) -> [UInt8] {
    var result: [UInt8] = [UInt8(ascii: "[")]
    result.reserveCapacity(ids.count * 6 + 2)
    for (index, id) in ids.enumerated() {
      if index > 0 { result.append(UInt8(ascii: ",")) }
      result.append(contentsOf: String(id).utf8)
    }
    result.append(UInt8(ascii: "]"))
    return result
  }

  private static func error(_ sentence: String) -> [UInt8] {
    JSONWriter.bytes(["error": .string(sentence)], options: .spaced)
  }
}

/// Cuts a stream of bytes into lines without their newlines.
package struct LineSplitter: Sendable {
  private var rest: [UInt8] = []

  package init() {}

  /// The lines that are complete with this part of the stream.
  package mutating func append(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var start = 0
    while let end = bytes[start...].firstIndex(of: 0x0A) {
      lines.append(Self.withoutReturn(rest + bytes[start..<end]))
      rest.removeAll(keepingCapacity: true)
      start = end + 1
    }
    rest.append(contentsOf: bytes[start...])
    return lines
  }

  /// The last line, if the stream does not end with a newline.
  package mutating func finish() -> [UInt8]? {
    defer { rest = [] }
    return rest.isEmpty ? nil : Self.withoutReturn(rest)
  }

  private static func withoutReturn(_ line: [UInt8]) -> [UInt8] { line.last == 0x0D ? line.dropLast() : line }
}
