internal import Foundation
internal import Parsing

/// Writes a safetensors file: all of it, or nothing.
///
/// Format: u64 little-endian header length, JSON header `{name: {dtype, shape, data_offsets}}`, then the data.
package struct SafetensorsFile {
  /// One tensor to write; `bytes` are little-endian elements, row-major.
  package struct Tensor: Sendable {
    package var name: String
    package var dtype: String
    package var shape: [Int]
    package var bytes: [UInt8]

    package init(name: String, dtype: String, shape: [Int], bytes: [UInt8]) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
      self.bytes = bytes
    }
  }

  /// - Throws: what the file system says; a file of that name stays as it was.
  package static func write(_ tensors: [Tensor], to path: String) throws {
    var members: [(key: String, value: JSONValue)] = []
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.bytes.count
      members.append(
        (
          tensor.name,
          .members([
            "dtype": .string(tensor.dtype), "shape": .array(tensor.shape.map { .count($0) }),
            "data_offsets": .array([.count(offset), .count(end)]),
          ])
        ))
      offset = end
    }
    var header = JSONWriter.bytes(.object(JSONObject(members)))
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    var data = Data((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) })
    data.append(contentsOf: header)
    for tensor in tensors { data.append(contentsOf: tensor.bytes) }
    // Atomic: written beside the target, then renamed.
    try data.write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
