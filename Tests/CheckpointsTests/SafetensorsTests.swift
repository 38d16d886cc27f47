import Checkpoints
import Parsing
import Tensors
import TestSupport
import Testing

private let sample = [
  TestTensor("b", .f32, [2, 3], [1, 2, 3, 4, 5, 6]),
  TestTensor("a", .bf16, [4], [0.5, -1, 2, 0]),
  TestTensor("scalar", .f16, [], [7]),
  TestTensor("empty", .f32, [0, 3], []),
]

private func parse(_ bytes: [UInt8]) throws(CheckpointError) -> SafetensorsIndex {
  try SafetensorsIndex(bytes.span, file: "f.safetensors")
}

@Test("a header is read; trailing spaces are part of it")
func header() throws {
  for padding in [0, 5] {
    let bytes = safetensors(sample, padding: padding)
    let index = try parse(bytes)
    #expect(index.entries.map(\.name) == ["b", "a", "empty", "scalar"] || index.entries.count == 4)
    #expect(index["b"]?.shape == [2, 3] && index["b"]?.dtype == .f32)
    #expect(index["a"]?.bytes.count == 8 && index["scalar"]?.shape == [])
    #expect(index.entries.map(\.bytes.upperBound).max() == bytes.count)
    #expect(index.metadata == ["format": "pt"])
    #expect(index["c"] == nil)
  }
  #expect(try parse(safetensors([])).entries.isEmpty)
}

@Test("types that the engine does not compute with are allowed in a file")
func otherTypes() throws {
  var eight = TestTensor("a", .f32, [2], [1, 2])
  eight.dtype = "I64"
  eight.shape = [1]
  let index = try parse(safetensors([eight]))
  #expect(index["a"]?.dtypeName == "I64" && index["a"]?.dtype == nil)
}

struct BadHeader: Sendable, CustomTestStringConvertible {
  var header: String
  var dataBytes: Int
  var words: [String]
  var testDescription: String { words.joined(separator: " ") }

  init(_ header: String, data: Int = 16, _ words: String...) {
    self.header = header
    self.dataBytes = data
    self.words = words
  }

  static let all: [BadHeader] = [
    BadHeader("", data: 0, "does not start with '{'"),
    BadHeader("[]", "does not start with '{'"),
    BadHeader(" {}", "does not start with '{'"),
    BadHeader("{ ", "not valid JSON"),
    BadHeader("{", "does not start"),
    BadHeader("{} x", "not valid JSON"),
    BadHeader("{}", "16 bytes after its last tensor"),
    BadHeader(#"{"t":3}"#, "\"t\"", "an integer"),
    BadHeader(#"{"t":{"shape":[4],"data_offsets":[0,16]}}"#, "\"t\"", "no dtype"),
    BadHeader(#"{"t":{"dtype":"F32","data_offsets":[0,16]}}"#, "no shape"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[4]}}"#, "no data_offsets"),
    BadHeader(
      #"{"t":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "more than one dtype"),
    BadHeader(#"{"t":{"dtype":"F33","shape":[4],"data_offsets":[0,16]}}"#, "\"F33\""),
    BadHeader(#"{"t":{"dtype":32,"shape":[4],"data_offsets":[0,16]}}"#, "dtype an integer"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}"#, "F32 [3]", "16 bytes"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}"#, "shape"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[4.5],"data_offsets":[0,16]}}"#, "shape"),
    BadHeader(#"{"t":{"dtype":"F32","shape":["4"],"data_offsets":[0,16]}}"#, "shape"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[NaN],"data_offsets":[0,16]}}"#, "not valid JSON"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[1e400],"data_offsets":[0,16]}}"#, "not valid JSON"),
    BadHeader(#"{"t":{"dtype":"F32","shape":4,"data_offsets":[0,16]}}"#, "needs a shape"),
    BadHeader(
      #"{"t":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}}"#, "does not fit"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[0,16,32]}}"#, "two whole numbers"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}"#, "two whole numbers"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}"#, "two whole numbers"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}}"#, "ends at byte 24", "only 16"),
    BadHeader(
      #"{"t":{"dtype":"F32","shape":[4],"data_offsets":[9223372036854775800,9223372036854775807]}}"#,
      "ends at byte 9223372036854775807"),
    BadHeader(#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, "\"t\"", "gap of 8 bytes"),
    BadHeader(
      #"{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"u":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
      "\"u\" overlaps \"t\""),
    BadHeader(
      #"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"t":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
      "\"t\" twice"),
    BadHeader(
      #"{"__metadata__":{"a":1},"t":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "__metadata__"),
    BadHeader(#"{"__metadata__":"x","t":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "__metadata__"),
    BadHeader(#"{"t":{"dtype":"F4","shape":[31],"data_offsets":[0,16]}}"#, "does not fit"),
    BadHeader(
      #"{"t":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]}}"#,
      "at most 16"),
    BadHeader(#"{"a\nb":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}"#, #""a\nb""#),
  ]
}

@Test("a bad header is one sentence that names the file and the tensor", arguments: BadHeader.all)
func badHeader(_ bad: BadHeader) throws {
  let bytes = file(header: Array(bad.header.utf8), data: [UInt8](repeating: 0, count: bad.dataBytes))
  let error = #expect(throws: CheckpointError.self) { try parse(bytes) }
  let message = error?.message ?? ""
  for word in bad.words { #expect(message.contains(word), "\(message)") }
  #expect(message.hasPrefix("f.safetensors") && !message.contains("\n"))
}

@Test("lengths that lie are refused")
func lyingLengths() throws {
  let header = Array("{}".utf8)
  for length: UInt64 in [3, 1 << 20, 100_000_001, 1 << 40, 1 << 63, .max] {
    #expect(throws: CheckpointError.self) { try parse(file(header: header, data: [], length: length)) }
  }
  for count in 0..<8 {
    #expect(throws: CheckpointError.self) { try parse([UInt8](repeating: 0, count: count)) }
  }
}

@Test("every truncation of a file is refused")
func truncations() throws {
  let bytes = safetensors(sample)
  for count in 0..<bytes.count {
    #expect(throws: CheckpointError.self, "\(count) of \(bytes.count)") { try parse(Array(bytes[..<count])) }
  }
  #expect(throws: CheckpointError.self) { try parse(bytes + [0]) }
}

@Test("random damage never crashes, and what is accepted is consistent", arguments: [1, 2, 3, 4] as [UInt64])
func randomDamage(seed: UInt64) throws {
  var random = SeededGenerator(seed: seed)
  let original = safetensors(sample)
  let headerEnd = original.count - 24 - 8 - 2
  for round in 0..<3000 {
    var bytes = original
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let position = Int.random(in: 0..<headerEnd, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[position] = UInt8.random(in: 0...255, using: &random)
      case 2: bytes[position] = Array("0123456789[]{},:\"-".utf8).randomElement(using: &random) ?? 0
      default: bytes.remove(at: position)
      }
    }
    guard let index = try? parse(bytes) else { continue }
    for entry in index.entries {
      #expect(entry.bytes.upperBound <= bytes.count, "seed \(seed), round \(round)")
      if let dtype = entry.dtype {
        #expect(entry.shape.reduce(dtype.byteCount, *) == entry.bytes.count, "seed \(seed), round \(round)")
      }
    }
  }
}
