package import Foundation
internal import Glibc

/// The two outputs of a command: results on standard output, everything else on standard error.
package enum Terminal {
  /// Whether a person reads standard error in a terminal; progress is shown only then.
  package static let showsProgress = isatty(STDERR_FILENO) == 1

  /// Writes `text` to standard output at once, as it is.
  ///
  /// Throws: `OutputClosed` when the reader is gone, as after `| head`.
  package static func write(_ text: String) throws(OutputClosed) { try write(Data(text.utf8)) }

  package static func write(_ bytes: Data) throws(OutputClosed) {
    do {
      try FileHandle.standardOutput.write(contentsOf: bytes)
    } catch {
      throw OutputClosed()
    }
  }

  /// Writes a line to standard error; a closed one is nobody's concern.
  package static func note(_ line: String) { noteRaw(line + "\n") }

  static func noteRaw(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}

/// Standard output cannot be written: its reader has closed it, or the disk is full.
package struct OutputClosed: Error {
  package init() {}
}
