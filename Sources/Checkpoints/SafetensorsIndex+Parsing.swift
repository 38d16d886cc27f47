import Parsing
import Tensors

extension SafetensorsIndex {
  /// Longest header that readers of the format accept.
  package static let maxHeaderBytes = 100_000_000
  private static let maxDims = 16

  /// Reads and checks the header of a whole file.
  ///
  /// - Parameters:
  ///   - bytes: the file, header first.
  ///   - file: its name, for messages.
  /// - Throws: one sentence naming the file, and the tensor where one is at fault.
  /// Cost: one pass over the header; the data section is not touched.
  package init(_ bytes: Span<UInt8>, file: String) throws(CheckpointError) {
    let header = try Self.headerLength(bytes, file)
    let root: JSONValue
    do {
      root = try JSONReader.parse(
        bytes.extracting(8..<8 + header), limits: JSONLimits(maxDepth: 8, maxBytes: Self.maxHeaderBytes))
    } catch {
      throw CheckpointError("\(file): the header is not valid JSON: \(error)")
    }
    guard let object = root.object else {
      throw CheckpointError("\(file): the header is \(root.kindName); it must be an object")
    }
    let dataStart = 8 + header
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    var names: Set<String> = []
    entries.reserveCapacity(object.count)
    for (name, value) in object.members {
      guard names.insert(name).inserted else {
        throw CheckpointError("\(file): the header names \(quoted(name)) twice")
      }
      if name == "__metadata__" {
        metadata = try Self.metadata(value, file)
      } else {
        entries.append(
          try Self.entry(name, value, file, dataStart: dataStart, dataBytes: bytes.count - dataStart))
      }
    }
    entries.sort { ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound) }
    try Self.checkTiling(entries, file, dataStart: dataStart, fileBytes: bytes.count)
    var positions: [String: Int] = [:]
    positions.reserveCapacity(entries.count)
    for (position, entry) in entries.enumerated() { positions[entry.name] = position }
    self.init(entries: entries, metadata: metadata, positions: positions)
  }

  private static func headerLength(_ bytes: Span<UInt8>, _ file: String) throws(CheckpointError) -> Int {
    guard bytes.count >= 8 else {
      throw CheckpointError(
        "\(file) holds \(bytes.count) bytes; a safetensors file starts with 8 bytes of header length")
    }
    var length: UInt64 = 0
    for index in 0..<8 { length |= UInt64(bytes[index]) << UInt64(8 * index) }
    guard length <= UInt64(maxHeaderBytes) else {
      throw CheckpointError(
        "\(file): the header length is \(length) bytes; at most \(maxHeaderBytes) are allowed, so this is no "
          + "safetensors file or it is damaged")
    }
    guard length <= UInt64(bytes.count - 8) else {
      throw CheckpointError(
        "\(file) is truncated: its header should have \(length) bytes but only \(bytes.count - 8) follow")
    }
    guard length >= 2, bytes[8] == UInt8(ascii: "{") else {
      throw CheckpointError("\(file): the header does not start with '{', so this is no safetensors file")
    }
    return Int(length)
  }

  private static func metadata(
    _ value: JSONValue, _ file: String
  ) throws(CheckpointError) -> [String: String] {
    guard let object = value.object else {
      throw CheckpointError("\(file): __metadata__ is \(value.kindName); it must be an object of strings")
    }
    var metadata: [String: String] = [:]
    for (key, value) in object.members {
      guard let text = value.string else {
        throw CheckpointError(
          "\(file): the __metadata__ member \(quoted(key)) is \(value.kindName), not a string")
      }
      metadata[key] = text
    }
    return metadata
  }

  private static func entry(
    _ name: String, _ value: JSONValue, _ file: String, dataStart: Int, dataBytes: Int
  ) throws(CheckpointError) -> Entry {
    let tensor = "\(file): the tensor \(quoted(name))"
    guard let object = value.object else {
      throw CheckpointError("\(tensor) is described by \(value.kindName); it must be an object")
    }
    for key in ["dtype", "shape", "data_offsets"] {
      let count = object.members.count { $0.key.hasSameBytes(as: key) }
      guard count == 1 else {
        throw CheckpointError("\(tensor) has \(count == 0 ? "no" : "more than one") \(key) in the header")
      }
    }
    guard let dtypeName = object["dtype"]?.string, let dtype = StoredDType(dtypeName) else {
      let found = object["dtype"]?.string.map(quoted) ?? object["dtype"]?.kindName ?? "nothing"
      throw CheckpointError("\(tensor) has the dtype \(found), which the format does not have")
    }
    let shape = try shape(object["shape"], tensor)
    let offsets = object["data_offsets"]?.array ?? []
    guard offsets.count == 2, let begin = offsets[0].int, let end = offsets[1].int, 0 <= begin, begin <= end
    else {
      throw CheckpointError(
        "\(tensor) needs data_offsets of two whole numbers, the first not above the second")
    }
    guard end <= dataBytes else {
      throw CheckpointError(
        "\(tensor) ends at byte \(end) of the data but the file has only \(dataBytes); the file is truncated or its "
          + "header is wrong")
    }
    guard let needed = byteCount(shape, bitsPerElement: dtype.bitCount), needed == end - begin else {
      throw CheckpointError(
        "\(tensor) is \(dtypeName) \(shape), which does not fit the \(end - begin) bytes of its data_offsets")
    }
    return Entry(
      name: name, dtypeName: dtypeName, dtype: DType(rawValue: dtypeName), shape: shape,
      bytes: dataStart + begin..<dataStart + end)
  }

  private static func shape(_ value: JSONValue?, _ tensor: String) throws(CheckpointError) -> [Int] {
    guard let dims = value?.array, dims.count <= maxDims else {
      throw CheckpointError("\(tensor) needs a shape: a list of at most \(maxDims) whole numbers")
    }
    var shape: [Int] = []
    for dim in dims {
      guard let dim = dim.int, dim >= 0 else {
        throw CheckpointError("\(tensor) has a shape with an entry that is no whole number of at least 0")
      }
      shape.append(dim)
    }
    return shape
  }

  /// Nil when the product overflows or does not end on a byte.
  private static func byteCount(_ shape: [Int], bitsPerElement: Int) -> Int? {
    var bits = bitsPerElement
    for dim in shape {
      let (product, overflow) = bits.multipliedReportingOverflow(by: dim)
      // A zero further on would make the true product zero; such a shape is refused all the same.
      guard !overflow else { return nil }
      bits = product
    }
    return bits % 8 == 0 ? bits / 8 : nil
  }

  /// Tensors must follow one another from the first data byte to the last.
  private static func checkTiling(
    _ entries: [Entry], _ file: String, dataStart: Int, fileBytes: Int
  ) throws(CheckpointError) {
    var end = dataStart
    var previous = "the header"
    for entry in entries {
      let begin = entry.bytes.lowerBound
      guard begin == end else {
        let problem = begin < end ? "overlaps" : "leaves a gap of \(begin - end) bytes after"
        throw CheckpointError("\(file): the tensor \(quoted(entry.name)) \(problem) \(previous)")
      }
      end = entry.bytes.upperBound
      previous = quoted(entry.name)
    }
    guard end == fileBytes else {
      throw CheckpointError(
        "\(file) has \(fileBytes - end) bytes after its last tensor that the header does not describe")
    }
  }
}
