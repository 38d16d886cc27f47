// WHY: Foundation reads files; nothing else of it is used here.
import Foundation

extension Tokenizer {
  private static let largestFile = 1 << 29

  /// From the `tokenizer.json` of a model directory.
  package convenience init(directory: String) throws(TokenizerError) {
    let url = URL(fileURLWithPath: directory, isDirectory: true).appendingPathComponent("tokenizer.json")
    let data: Data
    do {
      data = try Data(contentsOf: url)
    } catch {
      throw TokenizerError("there is no readable tokenizer.json in \(directory)")
    }
    guard data.count <= Self.largestFile else {
      throw TokenizerError("\(url.path) has \(data.count) bytes, at most \(Self.largestFile) are read")
    }
    do {
      try self.init(json: [UInt8](data))
    } catch {
      throw TokenizerError("\(url.path): \(error.message)")
    }
  }
}
