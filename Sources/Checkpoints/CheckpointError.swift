internal import Glibc
import Parsing

/// Weights or their directory cannot be used, in one sentence that names the file and, where there is one,
/// the tensor.
package struct CheckpointError: Error, Sendable, Hashable, CustomStringConvertible {
  package let message: String

  package init(_ message: String) { self.message = message }

  package var description: String { message }

  /// "cannot open PATH: Permission denied"
  static func system(_ action: String, _ path: String, _ code: Int32) -> CheckpointError {
    let reason = unsafe String(cString: strerror(code))
    return CheckpointError("cannot \(action) \(path): \(reason)")
  }
}

/// A name from a file as JSON text, so that no control character reaches a terminal, cut to a length that
/// fits a sentence.
func quoted(_ name: String) -> String {
  let text = JSONWriter.string(.string(name))
  return text.utf8.count <= 160 ? text : String(text.prefix(150)) + "...\""
}
