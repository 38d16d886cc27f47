import Foundation
import Parsing
import Tokenization

/// The recorded files beside these tests.
enum Fixtures {
  static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures")

  static func json(_ path: String) throws -> JSONValue {
    try JSONReader.parse([UInt8](try Data(contentsOf: directory.appendingPathComponent(path))))
  }

  static func tokenizer(_ path: String) throws -> Tokenizer {
    try Tokenizer(directory: directory.appendingPathComponent(path).path)
  }
}

extension JSONValue {
  var ids: [Int32] { (array ?? []).compactMap { $0.int.map(Int32.init) } }
}
