/// Why a tokenizer could not be loaded, or ids could not be decoded: one sentence for the user.
package struct TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
  package let message: String

  package init(_ message: String) { self.message = message }

  package var description: String { message }
}
