import Foundation
import TestSupport
import Testing

/// Files, functions and lines stay small enough to read.
@Suite struct SizeTests {
  @Test func filesAreShort() {
    let long = SourceFile.all.filter { $0.lines.count > 401 }.map { "\($0.path): \($0.lines.count) lines" }
    #expect(long == [], "at most 400 lines; give the file's second idea a file of its own")
  }

  /// The formatter keeps code within 110 columns; this is for what it does not break: comments and texts.
  @Test func linesAreShort() throws {
    let long = SourceFile.all.flatMap { file in
      file.lines.indices.filter { Self.isLong(file.lines[$0]) }.map { "\(file.path):\($0 + 1)" }
    }
    let budget = try Budgets.read("long-lines.txt")["all", default: 0]
    #expect(long.count <= budget, "at most 120 columns: \(long)")
  }

  /// Bytes first: nearly every line is short and plain.
  private static func isLong(_ line: String) -> Bool {
    line.utf8.count > 120 && line.count > 120 && !line.contains("://")
  }

  @Test func functionsAreShort() {
    let long = SourceFile.all.flatMap { file in
      Self.functions(in: file).filter { $0.length > 70 }.map { "\(file.path):\($0.line): \($0.length) lines" }
    }
    #expect(long == [], "at most 70 lines; name the parts")
  }

  /// First line and number of lines of every function, initialiser and subscript with a body.
  static func functions(in file: SourceFile) -> [(line: Int, length: Int)] {
    var found: [(line: Int, length: Int)] = []
    var open: [(line: Int, depth: Int)] = []
    var declared: (line: Int, parentheses: Int)?
    var (line, depth) = (1, 0)
    var word: [UInt8] = []
    var beforeWord: UInt8 = 0
    for byte in file.codeBytes {
      if isWordByte(byte) {
        word.append(byte)
        continue
      }
      if !word.isEmpty, declared == nil, beforeWord != UInt8(ascii: "."), keywords.contains(word) {
        declared = (line, 0)
      }
      word.removeAll(keepingCapacity: true)
      beforeWord = byte
      switch byte {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "("): declared?.parentheses += 1
      case UInt8(ascii: ")"): declared?.parentheses -= 1
      case UInt8(ascii: "{"):
        if let start = declared, start.parentheses == 0 {
          open.append((start.line, depth))
          declared = nil
        }
        depth += 1
      case UInt8(ascii: "}"):
        depth -= 1
        if let last = open.last, last.depth == depth {
          found.append((last.line, line - last.line + 1))
          open.removeLast()
        }
        // The end of a protocol, whose requirements have no bodies; inside parentheses, of a default value.
        if declared?.parentheses == 0 { declared = nil }
      default: continue
      }
    }
    return found
  }

  private static let keywords: Set<[UInt8]> = Set(
    ["func", "init", "deinit", "subscript"].map { Array($0.utf8) })

  private static func isWordByte(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte >= 0x80 || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
      || (byte >= 0x30 && byte <= 0x39)
  }

  @Test func functionsAreMeasured() {
    let file = SourceFile(
      path: "Sources/X/X.swift",
      text: """
        protocol P {
          func q()
        }
        struct S {
          init(
            a: Int = { 1 }()
          ) {
            print("}")  // }
          }
          func f() -> Int { 3 }
        }
        """)
    let found = Self.functions(in: file).map { [$0.line, $0.length] }
    #expect(found == [[5, 5], [10, 1]])
  }
}
