internal import Glibc
package import Parsing

/// A Hugging Face model directory: which of its files are there.
package struct CheckpointDirectory: Sendable {
  /// How the weights are stored.
  package enum Weights: Sendable, Hashable {
    /// `model.safetensors`
    case single(path: String)
    /// `model.safetensors.index.json` and its parts.
    case sharded(indexPath: String)
  }

  package let path: String
  /// Content of `config.json`.
  package let config: JSONValue
  /// Content of `generation_config.json`, if there is one.
  package let generationConfig: JSONValue?
  /// Nil when the directory has no weights, which is enough for dummy ones.
  package let weights: Weights?

  private static let maxConfigBytes = 16 << 20

  /// Looks at a directory; weights are not opened yet.
  ///
  /// - Throws: when it is missing, no directory or unreadable, or when `config.json` is missing or no JSON.
  package init(path: String) throws(CheckpointError) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      guard errno != ENOENT else { throw CheckpointError("the model directory \(path) does not exist") }
      throw CheckpointError.system("examine the model directory", path, errno)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw CheckpointError("\(path) is not a directory; --model needs a Hugging Face model directory")
    }
    guard unsafe access(path, R_OK | X_OK) == 0 else {
      throw CheckpointError.system("read the model directory", path, errno)
    }
    let directory = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let configPath = directory + "/config.json"
    guard unsafe access(configPath, F_OK) == 0 else {
      throw CheckpointError("\(directory) has no config.json; --model needs a Hugging Face model directory")
    }
    self.path = directory
    config = try SmallFile.json(configPath, maxBytes: Self.maxConfigBytes)
    let generationPath = directory + "/generation_config.json"
    generationConfig =
      SmallFile.exists(generationPath)
      ? try SmallFile.json(generationPath, maxBytes: Self.maxConfigBytes) : nil
    weights = Self.findWeights(directory)
  }

  private static func findWeights(_ directory: String) -> Weights? {
    let single = directory + "/model.safetensors"
    if unsafe access(single, F_OK) == 0 { return .single(path: single) }
    let index = directory + "/model.safetensors.index.json"
    return unsafe access(index, F_OK) == 0 ? .sharded(indexPath: index) : nil
  }

  /// Path of a file of the directory (`tokenizer.json`, `chat_template.jinja`...), or nil when it is not
  /// there.
  package func file(_ name: String) -> String? {
    let candidate = path + "/" + name
    return SmallFile.exists(candidate) ? candidate : nil
  }

  /// Maps the weights and checks every header.
  package func openWeights() throws(CheckpointError) -> SafetensorsCheckpoint {
    switch weights {
    case .single(let path): return try SafetensorsCheckpoint.open(file: path)
    case .sharded(let index): return try SafetensorsCheckpoint.open(index: index, directory: path)
    case nil:
      let old = ["pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth"].first {
        file($0) != nil
      }
      let hint = old.map { "; \($0) is in a format that cannot be read, convert it to safetensors" } ?? ""
      throw CheckpointError(
        "\(path) has neither model.safetensors nor model.safetensors.index.json\(hint)")
    }
  }
}
