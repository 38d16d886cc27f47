/// A model configuration that cannot be used, in one sentence that names the field, its value and what is
/// allowed.
package struct ModelConfigError: Error, Sendable, Hashable, CustomStringConvertible {
  package let message: String

  package init(_ message: String) { self.message = message }

  package var description: String { message }
}
