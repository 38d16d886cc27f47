import Foundation
import Parsing
import Tensors

/// A tensor to write: name, type and raw bytes.
struct TestTensor {
  var name: String
  var dtype: String
  var shape: [Int]
  var bytes: [UInt8]

  /// Values rounded to the type.
  init(_ name: String, _ dtype: DType, _ shape: [Int], _ values: [Float]) {
    self.name = name
    self.dtype = dtype.rawValue
    self.shape = shape
    bytes = []
    for value in values {
      switch dtype {
      case .bf16: append(BFloat16(value).bits)
      case .f16: append(Float16(value).bitPattern)
      default: append(value.bitPattern)
      }
    }
  }

  private mutating func append<Bits: FixedWidthInteger>(_ bits: Bits) {
    for byte in 0..<MemoryLayout<Bits>.size { bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
  }
}

/// The bytes of a safetensors file; `header` replaces the header that fits.
func safetensors(_ tensors: [TestTensor], header: String? = nil, padding: Int = 0) -> [UInt8] {
  var members: [(key: String, value: JSONValue)] = [(key: "__metadata__", value: ["format": "pt"])]
  var data: [UInt8] = []
  for tensor in tensors {
    let offsets: JSONValue = [.integer(Int64(data.count)), .integer(Int64(data.count + tensor.bytes.count))]
    members.append(
      (
        key: tensor.name,
        value: [
          "dtype": .string(tensor.dtype), "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
          "data_offsets": offsets,
        ]
      ))
    data += tensor.bytes
  }
  let text = header ?? JSONWriter.string(.object(JSONObject(members)))
  return file(header: Array(text.utf8) + [UInt8](repeating: 0x20, count: padding), data: data)
}

func file(header: [UInt8], data: [UInt8], length: UInt64? = nil) -> [UInt8] {
  let length = length ?? UInt64(header.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header + data
}

/// A directory of its own, removed when the value goes away.
final class TemporaryDirectory {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "checkpoints-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  var path: String { url.path }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let target = url.appending(path: name)
    try Data(bytes).write(to: target)
    return target.path
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }
}

/// The reference models of the golden tests.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "GoldenTests/Fixtures")
