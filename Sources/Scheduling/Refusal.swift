/// Why a request was not taken, and whether asking again may help.
package struct Refusal: Error, Sendable, Hashable, CustomStringConvertible, ExpressibleByStringInterpolation {
  package enum Kind: Sendable, Hashable {
    /// The request itself cannot be served; asking again gives the same answer.
    case invalid
    /// Too much is waiting; room is likely after so long.
    case busy(retryAfter: Duration)
    /// The run takes nothing more, or cannot keep its promise for what it would take.
    case unavailable
  }

  package var kind: Kind
  /// One sentence for the user.
  package var text: String

  package init(_ text: String, kind: Kind = .invalid) {
    self.kind = kind
    self.text = text
  }

  package init(stringLiteral text: String) { self.init(text) }

  package var description: String { text }
}
