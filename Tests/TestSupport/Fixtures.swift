package import Foundation

/// Files that tests read, found from the place of the source file so that any working directory will do.
package enum Fixtures {
  /// Directory of the test target that holds `file`, for instance `Tests/TokenizationTests`.
  package static func directory(of file: String = #filePath) -> URL {
    URL(fileURLWithPath: file).deletingLastPathComponent()
  }

  /// A file or directory under `Fixtures/` of the calling test target.
  package static func url(_ relativePath: String, file: String = #filePath) -> URL {
    directory(of: file).appendingPathComponent("Fixtures").appendingPathComponent(relativePath)
  }

  /// The bytes of a fixture.
  package static func bytes(_ relativePath: String, file: String = #filePath) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: url(relativePath, file: file)))
  }

  /// The top of the package: the directory that holds `Package.swift`.
  package static let packageRoot: URL = {
    var directory = URL(fileURLWithPath: #filePath)
    while directory.path != "/" {
      directory.deleteLastPathComponent()
      let manifest = directory.appendingPathComponent("Package.swift").path
      if FileManager.default.fileExists(atPath: manifest) { return directory }
    }
    preconditionFailure("no Package.swift above \(#filePath)")
  }()
}

/// A variable of the environment; nil when unset or empty.
func environmentValue(_ name: String) -> String? {
  let value = ProcessInfo.processInfo.environment[name] ?? ""
  return value.isEmpty ? nil : value
}
