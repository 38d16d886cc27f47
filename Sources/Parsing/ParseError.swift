/// What was wrong with bytes from outside, and where: one sentence for the user.
package struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The sentence without its place.
  package let message: String

  /// Offset of the first byte that could not be accepted, counted from the start of the input.
  package let byteOffset: Int

  package init(message: String, byteOffset: Int) {
    self.message = message
    self.byteOffset = byteOffset
  }

  package var description: String { "\(message) (at byte \(byteOffset))" }
}
