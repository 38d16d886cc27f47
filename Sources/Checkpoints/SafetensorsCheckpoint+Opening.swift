internal import Glibc
import Parsing

extension SafetensorsCheckpoint {
  private static let maxIndexBytes = 256 << 20
  private static let maxParts = 10_000

  /// Maps one file that holds everything.
  package static func open(file path: String) throws(CheckpointError) -> SafetensorsCheckpoint {
    let part = try Part(path: path)
    var partOfName: [String: Int] = [:]
    for entry in part.index.entries { partOfName[entry.name] = 0 }
    return SafetensorsCheckpoint(title: path, parts: [part], partOfName: partOfName)
  }

  /// Maps every part that an index names; all must be there.
  ///
  /// - Parameters:
  ///   - path: of the index, `model.safetensors.index.json`.
  ///   - directory: where it and the parts are.
  package static func open(
    index path: String, directory: String
  ) throws(CheckpointError) -> SafetensorsCheckpoint {
    let json = try SmallFile.json(path, maxBytes: maxIndexBytes)
    guard let map = json["weight_map"]?.object, !map.isEmpty else {
      throw CheckpointError("\(path) has no weight_map, the object that says which part holds which tensor")
    }
    var parts: [Part] = []
    var partOfFile: [String: Int] = [:]
    var partOfName: [String: Int] = [:]
    for (name, value) in map.members {
      guard let file = value.string, isPlainFileName(file) else {
        throw CheckpointError(
          "\(path): the part of \(quoted(name)) must be the name of a .safetensors file beside the index")
      }
      let part: Int
      if let known = partOfFile[file] {
        part = known
      } else {
        guard parts.count < maxParts else {
          throw CheckpointError("\(path) names more than \(maxParts) parts")
        }
        let partPath = directory + "/" + file
        guard unsafe access(partPath, F_OK) == 0 else {
          throw CheckpointError(
            "\(partPath) is missing: the index says that it holds \(quoted(name)); download all parts")
        }
        part = parts.count
        parts.append(try Part(path: partPath))
        partOfFile[file] = part
      }
      guard partOfName.updateValue(part, forKey: name) == nil else {
        throw CheckpointError("\(path) names the tensor \(quoted(name)) twice")
      }
    }
    return SafetensorsCheckpoint(title: directory, parts: parts, partOfName: partOfName)
  }

  /// No path, no parent, nothing hidden.
  private static func isPlainFileName(_ name: String) -> Bool {
    name.hasSuffix(".safetensors") && name.utf8.count <= 255 && name.utf8.first != UInt8(ascii: ".")
      && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
  }
}
