import Foundation
import TestSupport

/// A Swift file of the package, with its text and its code without comments and string contents.
struct SourceFile {
  /// Relative to the top of the package.
  let path: String
  let lines: [String]
  /// The same text with comments and what stands between quotes blanked out.
  let codeBytes: [UInt8]

  /// The target that holds it: the folder below `Sources` or `Tests`.
  var target: String { String(path.split(separator: "/")[1]) }
  var isTest: Bool { path.hasPrefix("Tests/") }

  init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    codeBytes = Blanker.blank(Array(text.utf8))
  }

  /// The lines of the code that hold `word`.
  func codeLines(with word: String) -> [Substring] {
    let wanted = Array(word.utf8)
    return codeBytes.split(separator: UInt8(ascii: "\n")).filter { $0.contains(wanted) }
      .map { Substring(decoding: $0, as: UTF8.self) }
  }

  /// Every Swift file under `Sources` and `Tests`; links are followed by nobody, fixtures are no code.
  static let all: [SourceFile] = {
    let root = Fixtures.packageRoot
    var files: [SourceFile] = []
    for top in ["Sources", "Tests"] {
      let folder = root.appendingPathComponent(top)
      let paths = (FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String]) ?? []
      for path in paths.sorted() where path.hasSuffix(".swift") && !path.contains("Fixtures/") {
        guard let data = FileManager.default.contents(atPath: folder.appendingPathComponent(path).path) else {
          continue
        }
        files.append(SourceFile(path: "\(top)/\(path)", text: String(decoding: data, as: UTF8.self)))
      }
    }
    return files
  }()
}

/// Replaces comments and the contents of string literals by spaces, line breaks kept.
///
/// Interpolations inside strings go with the string; that is right for counting words and braces.
enum Blanker {
  static func blank(_ bytes: [UInt8]) -> [UInt8] {
    var output = bytes
    var position = 0
    while position < bytes.count {
      let end = end(of: bytes, from: position)
      if end == position {
        position += 1
      } else {
        for index in position..<end where bytes[index] != UInt8(ascii: "\n") { output[index] = 0x20 }
        position = end
      }
    }
    return output
  }

  /// Where the comment or string that begins at `start` ends; `start` itself when none begins there.
  private static func end(of bytes: [UInt8], from start: Int) -> Int {
    guard [UInt8(ascii: "/"), UInt8(ascii: "#"), UInt8(ascii: "\"")].contains(bytes[start]) else {
      return start
    }
    func begins(_ word: String, at index: Int) -> Bool {
      bytes[index...].prefix(word.utf8.count).elementsEqual(word.utf8)
    }
    if begins("//", at: start) {
      return bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    }
    if begins("/*", at: start) {
      return search(bytes, from: start + 2) { begins("*/", at: $0) ? $0 + 2 : nil }
    }
    var quote = start
    while quote < bytes.count && bytes[quote] == UInt8(ascii: "#") { quote += 1 }
    let hashes = quote - start
    guard quote < bytes.count, bytes[quote] == UInt8(ascii: "\"") else { return start }
    func closes(_ index: Int, quotes: Int) -> Int? {
      guard index + quotes + hashes <= bytes.count else { return nil }
      let isQuote = bytes[index..<index + quotes].allSatisfy { $0 == UInt8(ascii: "\"") }
      let end = index + quotes + hashes
      return isQuote && bytes[index + quotes..<end].allSatisfy { $0 == UInt8(ascii: "#") } ? end : nil
    }
    let quotes = begins("\"\"\"", at: quote) ? 3 : 1
    var depth = 0
    return search(bytes, from: quote + quotes) { index in
      // A quote inside an interpolation belongs to the expression, not to this string.
      if hashes == 0 && bytes[index] == UInt8(ascii: "(") && bytes[index - 1] == UInt8(ascii: "\\") {
        depth += 1
      } else if depth > 0 && bytes[index] == UInt8(ascii: "(") {
        depth += 1
      } else if depth > 0 && bytes[index] == UInt8(ascii: ")") {
        depth -= 1
      }
      let escaped =
        hashes == 0 && bytes[index - 1] == UInt8(ascii: "\\") && bytes[index - 2] != UInt8(ascii: "\\")
      if depth > 0 || escaped { return nil }
      if quotes == 1 && bytes[index] == UInt8(ascii: "\n") { return index }
      return closes(index, quotes: quotes)
    }
  }

  private static func search(_ bytes: [UInt8], from start: Int, _ end: (Int) -> Int?) -> Int {
    var index = start
    while index < bytes.count {
      if let end = end(index) { return end }
      index += 1
    }
    return bytes.count
  }
}
