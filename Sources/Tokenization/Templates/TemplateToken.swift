internal import Parsing

/// One word of a template.
struct TemplateToken: Sendable {
  enum Kind: Equatable, Sendable {
    case data, variableBegin, variableEnd, blockBegin, blockEnd
    case name, string, integer, float, symbol
    case end
  }

  let kind: Kind

  /// What it says: the text of data, the name, the unescaped string, the digits, the operator.
  let text: String

  let line: Int

  func isSymbol(_ symbol: StaticString) -> Bool { kind == .symbol && text.hasSameBytes(as: "\(symbol)") }

  func isName(_ name: StaticString) -> Bool { kind == .name && text.hasSameBytes(as: "\(name)") }

  /// How a sentence names it.
  var described: String {
    switch kind {
    case .data: "template text"
    case .variableBegin: "begin of print statement"
    case .variableEnd: "end of print statement"
    case .blockBegin: "begin of statement block"
    case .blockEnd: "end of statement block"
    case .name, .symbol: "'\(text)'"
    case .string: "a string"
    case .integer: "an integer"
    case .float: "a number"
    case .end: "the end of the template"
    }
  }
}
