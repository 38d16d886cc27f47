internal import Glibc
package import Parsing

/// Files that are read whole: configurations and indexes.
package enum SmallFile {
  /// - Throws: when the file is missing, unreadable or longer than `maxBytes`.
  package static func read(_ path: String, maxBytes: Int) throws(CheckpointError) -> [UInt8] {
    let descriptor = try MappedFile.openRegularFile(path)
    defer { close(descriptor) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = unsafe chunk.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw CheckpointError.system("read", path, errno)
      }
      if count == 0 { return content }
      content += chunk[..<count]
      guard content.count <= maxBytes else {
        throw CheckpointError("\(path) is longer than the \(maxBytes) bytes allowed")
      }
    }
  }

  /// - Throws: as `read`, and when the content is no JSON.
  package static func json(_ path: String, maxBytes: Int) throws(CheckpointError) -> JSONValue {
    let bytes = try read(path, maxBytes: maxBytes)
    do {
      return try JSONReader.parse(bytes)
    } catch {
      throw CheckpointError("\(path) is not valid JSON: \(error)")
    }
  }

  /// Whether a path leads to a regular file.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
}
