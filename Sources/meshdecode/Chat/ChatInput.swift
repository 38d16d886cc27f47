internal import Foundation
internal import Tokenization

/// Lines of standard input, from a terminal, a pipe or a file.
struct ChatInput {
  /// Longest line that is read.
  static let maxLineBytes = 16 << 20

  private var splitter = LineSplitter()
  private var lines: ArraySlice<[UInt8]> = []
  private var pendingBytes = 0
  private var isAtEnd = false

  /// Whether a person types.
  let isInteractive = isatty(STDIN_FILENO) == 1

  /// The next line; nil at the end. `wait` returns once there is something to read.
  mutating func next(wait: (Int32) throws -> Void) throws -> String? {
    while lines.isEmpty {
      if isAtEnd { return nil }
      try wait(STDIN_FILENO)
      let data = FileHandle.standardInput.availableData
      isAtEnd = data.isEmpty
      lines = isAtEnd ? ArraySlice(splitter.finish().map { [$0] } ?? []) : splitter.append([UInt8](data))[...]
      pendingBytes = lines.isEmpty ? pendingBytes + data.count : 0
      guard pendingBytes <= Self.maxLineBytes else {
        throw CommandFailure(
          .failedWhileRunning, "a line of input is longer than \(Self.maxLineBytes) bytes; split it")
      }
    }
    return lines.popFirst().map { String(decoding: $0, as: UTF8.self) }
  }
}
