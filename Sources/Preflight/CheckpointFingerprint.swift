internal import Checkpoints
internal import Compute
internal import Foundation
package import Parsing

/// The files of a checkpoint as one host sees them: enough to tell whether two hosts have the same one.
///
/// Names, sizes, and CRC-32C checksums of the small files and of the headers of the large ones, which name every tensor
/// with its place; of whole files when asked. Checksums find damage and mix-ups, not forgery.
package struct CheckpointFingerprint: Sendable, Equatable {
  package struct File: Sendable, Equatable {
    package var name: String
    package var byteCount: Int
    package var checksum: UInt32

    package init(name: String, byteCount: Int, checksum: UInt32) {
      self.name = name
      self.byteCount = byteCount
      self.checksum = checksum
    }
  }

  package var directory: String
  package var files: [File]
  /// Files that its index names and that are not there.
  package var missing: [String]
  /// Why it cannot be loaded, one sentence; nil when it can.
  package var problem: String?

  package init(directory: String, files: [File], missing: [String] = [], problem: String? = nil) {
    self.directory = directory
    self.files = files
    self.missing = missing
    self.problem = problem
  }

  package var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }
}

extension CheckpointFingerprint {
  private static let maxConfigBytes = 16 << 20
  private static let maxIndexBytes = 256 << 20

  /// Looks at the checkpoint in `directory`; `full` reads every byte, at the speed of the disk.
  package static func take(of directory: String, full: Bool) -> CheckpointFingerprint {
    var result = CheckpointFingerprint(directory: directory, files: [])
    let checkpoint: CheckpointDirectory
    do {
      checkpoint = try CheckpointDirectory(path: directory)
      for name in ["config.json", "generation_config.json"] where checkpoint.file(name) != nil {
        result.files.append(try small(name, directory, maxConfigBytes))
      }
      var parts: [String] = []
      switch checkpoint.weights {
      case .single: parts = ["model.safetensors"]
      case .sharded(let index):
        let name = "model.safetensors.index.json"
        result.files.append(try small(name, directory, maxIndexBytes))
        let map = try SmallFile.json(index, maxBytes: maxIndexBytes)["weight_map"]?.object
        parts = Set(map?.members.compactMap(\.value.string) ?? []).sorted()
      case nil: break
      }
      for part in parts {
        guard checkpoint.file(part) != nil else {
          result.missing.append(part)
          continue
        }
        result.files.append(try large(part, directory, full: full))
      }
      if result.missing.isEmpty { _ = try checkpoint.openWeights() }
    } catch {
      result.problem = "\(error)"
    }
    return result
  }

  private static func small(_ name: String, _ directory: String, _ maxBytes: Int) throws -> File {
    let bytes = try SmallFile.read(directory + "/" + name, maxBytes: maxBytes)
    return File(name: name, byteCount: bytes.count, checksum: HardwareChecksum.crc32c(bytes.span, 0))
  }

  /// A safetensors file begins with the length of its header in eight bytes.
  private static func large(_ name: String, _ directory: String, full: Bool) throws -> File {
    let file = try MappedFile(path: directory + "/" + name)
    let bytes = file.bytes
    var covered = min(8, bytes.count)
    var length = 0
    for index in (0..<covered).reversed() {
      length = length << 8 | Int(bytes[index] & (index == 7 ? 0x7F : 0xFF))
    }
    covered = full ? bytes.count : min(bytes.count, covered + min(length, maxIndexBytes))
    var checksum: UInt32 = 0
    var start = 0
    while start < covered {
      let end = min(covered, start + 64 << 20)
      checksum = HardwareChecksum.crc32c(bytes.extracting(start..<end), checksum)
      file.release(start..<end)
      start = end
    }
    return File(name: name, byteCount: bytes.count, checksum: checksum)
  }
}

extension CheckpointFingerprint {
  package var json: JSONValue {
    .members([
      "directory": .string(directory),
      "files": .array(
        files.map {
          .members([
            "name": .string($0.name), "bytes": .count($0.byteCount),
            "crc32c": .string(String($0.checksum, radix: 16)),
          ])
        }), "missing": .array(missing.map { .string($0) }),
      "problem": problem.map { .string($0) } ?? .null,
    ])
  }

  /// Nil for something that no node writes.
  package init?(_ json: JSONValue) {
    guard let directory = json["directory"]?.string, let files = json["files"]?.array else { return nil }
    self.init(
      directory: directory,
      files: files.compactMap { file in
        guard let name = file["name"]?.string, let bytes = file["bytes"]?.int,
          let checksum = UInt32(file["crc32c"]?.string ?? "", radix: 16)
        else { return nil }
        return File(name: name, byteCount: bytes, checksum: checksum)
      }, missing: json["missing"]?.array?.compactMap(\.string) ?? [], problem: json["problem"]?.string)
  }
}
