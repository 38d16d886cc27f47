import Checkpoints
import Foundation
import ModelConfigs
import Parsing
import Tensors
import Testing

@Test("every reference model: all tensors found with their shapes, none left over")
func referenceModels() throws {
  // Models of later families keep some vectors in f32 and bring no text side; golden runs load those.
  let root = fixtures.appending(path: "models")
  let models = try FileManager.default.contentsOfDirectory(atPath: root.path).filter {
    FileManager.default.fileExists(atPath: root.appending(path: $0 + "/tokenizer.json").path)
  }
  #expect(models.count >= 9)
  let bundled = "../../../Sources/meshdecode/Resources/tiny-qwen3-moe"
  for model in models.sorted().map({ "models/" + $0 }) + ["trained/tiny-llama", bundled] {
    let directory = try CheckpointDirectory(path: fixtures.appending(path: model).path)
    let config = try ModelConfig(json: directory.config)
    if let json = directory.generationConfig {
      #expect(try GenerationDefaults(json: json).eosTokenIDs(for: config) == config.eosTokenIDs)
    }
    let weights = try directory.openWeights()
    let names = TensorNames(config, contains: weights.contains)
    for tensor in names.all {
      let found = try weights.resolve(tensor)
      #expect(found.dtype == .bf16 && found.name == tensor.name, "\(model): \(tensor.name)")
    }
    #expect(names.all.count == Array(weights.names).count, "\(model)")
    #expect(names.unread(of: weights.names) == nil, "\(model)")
    #expect(weights.byteCount == 2 * names.parameterCount, "\(model)")
    #expect(directory.file("tokenizer.json") != nil && directory.file("nothing.json") == nil)
  }
}

/// A two-layer Llama written by the test: values are the element's position, exact in every type.
struct TinyCheckpoint {
  static let config = """
    {"architectures": ["LlamaForCausalLM"], "hidden_size": 8, "intermediate_size": 12, "num_attention_heads": 2,
    "num_hidden_layers": 2, "vocab_size": 20, "tie_word_embeddings": true}
    """

  static func names() throws -> TensorNames {
    TensorNames(try ModelConfig(json: JSONReader.parse(config)))
  }

  static func tensors(_ dtype: DType) throws -> [TestTensor] {
    try names().all.map { tensor in
      let values = (0..<tensor.rows * tensor.columns).map { Float($0 % 251) - 125 }
      return TestTensor(tensor.name, dtype, tensor.shape, values)
    }
  }

  /// Config and two parts with an index.
  static func writeSharded(_ directory: TemporaryDirectory, _ tensors: [TestTensor]) throws {
    try directory.write("config.json", config)
    var map: [(key: String, value: JSONValue)] = []
    for part in 0..<2 {
      let mine = tensors.enumerated().filter { $0.offset % 2 == part }.map(\.element)
      let name = "model-0000\(part + 1)-of-00002.safetensors"
      try directory.write(name, safetensors(mine))
      map += mine.map { (key: $0.name, value: .string(name)) }
    }
    let index: JSONValue = ["metadata": ["total_size": 0], "weight_map": .object(JSONObject(map))]
    try directory.write("model.safetensors.index.json", JSONWriter.string(index))
  }
}

@Test("parts with an index are found and read")
func shardedCheckpoint() throws {
  let directory = try TemporaryDirectory()
  try TinyCheckpoint.writeSharded(directory, TinyCheckpoint.tensors(.f16))
  let weights = try CheckpointDirectory(path: directory.path + "/").openWeights()
  for tensor in try TinyCheckpoint.names().all {
    let found = try weights.resolve(tensor)
    #expect(found.dtype == .f16)
    let rows = tensor.rows / 2..<tensor.rows
    let columns = tensor.columns / 3..<tensor.columns
    weights.withRows(found, rows: rows, columns: columns) { block in
      for row in 0..<block.rows {
        for column in 0..<block.columns {
          let position = (rows.lowerBound + row) * tensor.columns + columns.lowerBound + column
          #expect(block.element(row, column) == Float(position % 251) - 125)
        }
      }
    }
  }
}

private func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}

@Test("a tensor that is missing, misshapen or of the wrong type is named with its file")
func badTensors() throws {
  let directory = try TemporaryDirectory()
  let names = try TinyCheckpoint.names()
  let query = names.query(layer: 1)
  func problem(_ change: (inout [TestTensor]) -> Void) throws -> String {
    var tensors = try TinyCheckpoint.tensors(.bf16)
    change(&tensors)
    let path = try directory.write("model.safetensors", safetensors(tensors))
    let weights = try SafetensorsCheckpoint.open(file: path)
    let text = message { for tensor in names.all { _ = try weights.resolve(tensor) } }
    #expect(text.contains(path), "\(text)")
    return text
  }
  let missing = try problem { $0.removeAll { $0.name == query.name } }
  #expect(missing.contains("no tensor \"\(query.name)\""))
  let shape = try problem { tensors in
    tensors = tensors.map {
      $0.name == query.name ? TestTensor(query.name, .bf16, [4, 16], [Float](repeating: 0, count: 64)) : $0
    }
  }
  #expect(shape.contains("\"\(query.name)\" has the shape [4, 16], but the configuration needs [8, 8]"))
  let dtype = try problem { tensors in
    for index in tensors.indices where tensors[index].name == query.name { tensors[index].dtype = "I16" }
  }
  #expect(dtype.contains("\"\(query.name)\" has the dtype I16"))
  let head = try problem { tensors in
    for index in tensors.indices where tensors[index].name == names.embedding.name {
      tensors[index].name = "elsewhere"
    }
  }
  #expect(head.contains("model.embed_tokens.weight") && head.contains("lm_head.weight"))
}

@Test("a tied model may have kept its embedding under the head's name")
func tiedUnderHead() throws {
  let directory = try TemporaryDirectory()
  let names = try TinyCheckpoint.names()
  var tensors = try TinyCheckpoint.tensors(.bf16)
  for index in tensors.indices where tensors[index].name == names.embedding.name {
    tensors[index].name = "lm_head.weight"
  }
  let weights = try SafetensorsCheckpoint.open(file: directory.write("w.safetensors", safetensors(tensors)))
  #expect(try weights.resolve(names.embedding).name == "lm_head.weight")
  #expect(try weights.resolve(names.head).name == "lm_head.weight")
}

@Test("index files that lie are refused with the file and the tensor")
func badIndexes() throws {
  let directory = try TemporaryDirectory()
  let tensors = try TinyCheckpoint.tensors(.bf16)
  func problem(_ change: (TemporaryDirectory) throws -> Void) throws -> String {
    try TinyCheckpoint.writeSharded(directory, tensors)
    try change(directory)
    return message {
      let weights = try CheckpointDirectory(path: directory.path).openWeights()
      for tensor in try TinyCheckpoint.names().all { _ = try weights.resolve(tensor) }
    }
  }
  let second = "model-00002-of-00002.safetensors"
  let missing = try problem { try FileManager.default.removeItem(at: $0.url.appending(path: second)) }
  #expect(missing.contains("\(directory.path)/\(second) is missing") && missing.contains("model."))
  let empty = try problem { try $0.write(second, [UInt8]()) }
  #expect(empty == "\(directory.path)/\(second) is empty")
  let swapped = try problem { try $0.write(second, safetensors([])) }
  #expect(swapped.contains("although the index says so") && swapped.contains(second))
  for text in ["", "[]", "{}", #"{"weight_map": {}}"#, #"{"weight_map": 3}"#] {
    let index = try problem { try $0.write("model.safetensors.index.json", text) }
    #expect(index.contains("model.safetensors.index.json"), "\(index)")
  }
  for name in ["../x.safetensors", "/etc/x.safetensors", ".safetensors", "x.bin", "", "a/b.safetensors"] {
    let text = #"{"weight_map": {"t": "\#(name)"}}"#
    let index = try problem { try $0.write("model.safetensors.index.json", text) }
    #expect(index.contains("the part of \"t\" must be"), "\(index)")
  }
}

@Test("directories and files that cannot be used")
func badDirectories() throws {
  let directory = try TemporaryDirectory()
  func problem(_ path: String) -> String { message { _ = try CheckpointDirectory(path: path).openWeights() } }
  #expect(problem(directory.path + "/none").contains("none does not exist"))
  #expect(problem("").contains("does not exist"))
  #expect(problem(directory.path).contains("has no config.json"))
  #expect(problem(try directory.write("plain", "x")).contains("is not a directory"))
  try directory.write("config.json", "{")
  #expect(problem(directory.path).contains("config.json is not valid JSON"))
  try directory.write("config.json", "{}")
  #expect(problem(directory.path).contains("neither model.safetensors nor"))
  try directory.write("pytorch_model.bin", "x")
  #expect(problem(directory.path).contains("pytorch_model.bin is in a format that cannot be read"))
  let folder = directory.url.appending(path: "model.safetensors")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  #expect(problem(directory.path).contains("is not a regular file"))
}
