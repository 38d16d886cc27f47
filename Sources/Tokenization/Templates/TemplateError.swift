/// Why a chat template could not be read or rendered: one sentence for the user, with the line of the template.
package struct TemplateError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What kind of rule was broken.
  package enum Kind: String, Sendable {
    /// The template is not valid Jinja, or uses a part of it that has no place in a chat template.
    case syntax
    /// An undefined value was used where a value is needed.
    case undefined
    /// A value of the wrong type or out of its range.
    case value
    /// The template itself refused the conversation with `raise_exception`.
    case raised
    /// The sandbox refuses the access.
    case security
    /// Depth, steps, memory, output or time beyond `TemplateLimits`.
    case limit
    /// The model directory or the request around the template is at fault.
    case request
  }

  package let kind: Kind

  /// The sentence without its place.
  package let message: String

  /// Line of the template, counted from 1; nil when the fault is outside of it.
  package let line: Int?

  package init(_ kind: Kind, _ message: String, line: Int? = nil) {
    self.kind = kind
    self.message = message
    self.line = line
  }

  package var description: String {
    guard let line else { return message }
    return "chat template, line \(line): \(message)"
  }

  func located(at line: Int) -> TemplateError {
    self.line == nil && kind != .request ? TemplateError(kind, message, line: line) : self
  }
}

/// Bounds of one rendering: a template comes from outside and is not trusted.
package struct TemplateLimits: Sendable {
  /// Bytes of the template's source.
  package var maxSourceBytes = 1 << 20
  /// Constructs inside one another: expressions, blocks.
  package var maxNesting = 100
  /// Calls and expressions in progress at one moment: some 4 KB of stack each, so 2 MB at most.
  package var maxDepth = 500
  /// Expressions evaluated and items visited.
  package var maxSteps = 20_000_000
  /// Bytes of the rendered text, and of any one string.
  package var maxTextBytes = 64 << 20
  /// Bytes of all the values that one rendering makes, counted when made.
  package var maxAllocatedBytes = 1 << 30
  /// Wall time of one rendering.
  package var maxDuration: Duration = .seconds(10)

  package init() {}

  package static let `default` = TemplateLimits()
}
