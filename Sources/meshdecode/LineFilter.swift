internal import Foundation
internal import Presentation

/// A command that answers every line of standard input with one line of standard output.
enum LineFilter {
  /// Longest line that is read; a longer one is a usage error, not an endless allocation.
  static let maxLineBytes = 64 << 20

  /// Answers each line as soon as it has come; empty lines are skipped; ends with the input or its reader.
  static func run(_ answer: (_ line: [UInt8]) throws -> [UInt8]) throws {
    var waiting: [UInt8] = []
    var number = 0
    while true {
      let data = FileHandle.standardInput.availableData
      if data.isEmpty { break }
      waiting += data
      var start = 0
      var answers = Data()
      while let end = waiting[start...].firstIndex(of: UInt8(ascii: "\n")) {
        number += 1
        append(try answer(Array(waiting[start..<end])), ofLine: waiting[start..<end], to: &answers)
        start = end + 1
      }
      waiting.removeSubrange(..<start)
      guard waiting.count <= maxLineBytes else {
        throw CommandFailure(
          .failedWhileRunning,
          "line \(number + 1) of standard input is longer than \(maxLineBytes) bytes; split it")
      }
      if !answers.isEmpty { try Terminal.write(answers) }
    }
    if !waiting.isEmpty {
      var answers = Data()
      append(try answer(waiting), ofLine: waiting[...], to: &answers)
      try Terminal.write(answers)
    }
  }

  private static func append(_ answer: [UInt8], ofLine line: ArraySlice<UInt8>, to answers: inout Data) {
    if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return }
    answers.append(contentsOf: answer)
    answers.append(UInt8(ascii: "\n"))
  }
}
