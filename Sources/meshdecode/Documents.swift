internal import Parsing
internal import Presentation

extension Terminal {
  /// The one JSON document of a command, on standard output.
  static func writeDocument(_ document: JSONValue) throws {
    try write(JSONWriter.string(document, options: .spaced) + "\n")
  }
}
