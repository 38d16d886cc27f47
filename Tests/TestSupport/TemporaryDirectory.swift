package import Foundation

/// Runs `body` with a fresh directory of its own, which is removed afterwards whatever happens.
package func withTemporaryDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
  let directory = try makeTemporaryDirectory()
  defer { try? FileManager.default.removeItem(at: directory) }
  return try await body(directory)
}

/// As the other one, for tests that do not wait.
package func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let directory = try makeTemporaryDirectory()
  defer { try? FileManager.default.removeItem(at: directory) }
  return try body(directory)
}

func makeTemporaryDirectory() throws -> URL {
  // Short, because the path of a Unix socket holds at most 107 bytes.
  let name = "mdt-" + String(UInt32.random(in: .min ... .max), radix: 36)
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent(name)
  try FileManager.default.createDirectory(
    at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  return directory
}
