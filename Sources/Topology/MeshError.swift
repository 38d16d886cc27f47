/// Why a mesh is refused: every violated rule, one sentence each, with the numbers and the nearest valid
/// choice.
package struct MeshError: Error, Hashable, CustomStringConvertible {
  /// At least one sentence, in the order of the checks.
  package let sentences: [String]

  package init(sentences: [String]) {
    precondition(!sentences.isEmpty, "a mesh error needs a reason")
    self.sentences = sentences
  }

  package var description: String { sentences.joined(separator: " ") }
}
