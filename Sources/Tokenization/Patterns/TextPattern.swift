import Parsing

/// A pattern of a tokenizer file: a literal text or a regular expression in Oniguruma's syntax.
enum TextPattern: Sendable {
  case literal([UInt8])
  case expression(RegularExpression)

  /// - Parameter place: the pipeline part, for error sentences.
  init(_ json: JSONValue?, place: String) throws(TokenizerError) {
    if let literal = json?["String"]?.string {
      self = literal.isEmpty ? try Self.expression("", place: place) : .literal(Array(literal.utf8))
    } else if let source = json?["Regex"]?.string {
      self = try Self.expression(source, place: place)
    } else {
      throw TokenizerError("\(place) needs a pattern {\"String\": ...} or {\"Regex\": ...}")
    }
  }

  private static func expression(_ source: String, place: String) throws(TokenizerError) -> TextPattern {
    var translator = OnigurumaTranslator(source, place: place)
    return .expression(
      try RegularExpression(pcre2: try translator.translate(), name: "\"\(source.prefix(200))\" of \(place)"))
  }

  /// Appends start and end of every match inside `range`; see `RegularExpression.appendMatches`.
  ///
  /// - Parameter subject: the text as `PatternSubject` gives it.
  func appendMatches(in subject: [UInt8], range: Range<Int>, to bounds: inout [Int]) {
    switch self {
    case .expression(let expression):
      expression.appendMatches(in: subject, range: range, to: &bounds)
    case .literal(let literal):
      let text = subject.span
      let first = literal[0]
      var index = range.lowerBound
      while index &+ literal.count <= range.upperBound {
        if text[index] == first, Self.matches(literal, text, at: index) {
          bounds.append(index)
          bounds.append(index + literal.count)
          index &+= literal.count
        } else {
          index &+= 1
        }
      }
    }
  }

  /// Literals need no adapted subject.
  var needsAdaptedSubject: Bool { if case .expression = self { true } else { false } }

  func subject(for text: [UInt8]) -> [UInt8] { needsAdaptedSubject ? PatternSubject.adapted(text) : text }

  /// The text with every match replaced.
  func replacing(in text: [UInt8], with content: [UInt8]) -> [UInt8] {
    var bounds: [Int] = []
    appendMatches(in: subject(for: text), range: 0..<text.count, to: &bounds)
    if bounds.isEmpty { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.count + bounds.count / 2 * content.count)
    var last = 0
    for index in stride(from: 0, to: bounds.count, by: 2) {
      result.append(contentsOf: text[last..<bounds[index]])
      result.append(contentsOf: content)
      last = bounds[index + 1]
    }
    result.append(contentsOf: text[last...])
    return result
  }

  @inline(__always)
  private static func matches(_ literal: [UInt8], _ text: Span<UInt8>, at index: Int) -> Bool {
    for offset in 1..<max(1, literal.count) where text[index &+ offset] != literal[offset] { return false }
    return true
  }
}
