/// Reads the tokens of a template into statements, by Jinja's grammar.
///
/// Recursive descent; what is nested deeper than the limits allow is refused, so that no later pass can run out of stack.
struct TemplateParser {
  private let tokens: [TemplateToken]
  private var index = 0
  private let maxNesting: Int
  private var nesting = 0

  /// Depth of the expression parsed last.
  var expressionDepth = 0

  /// Expressions may be this much deeper than blocks: chains such as `a + b + c` count too.
  private var maxExpressionDepth: Int { maxNesting * 4 }

  /// Names of the tags that could end the blocks around, innermost last.
  private var openTags: [(name: String, ends: [StaticString])] = []

  init(_ source: String, limits: TemplateLimits) throws(TemplateError) {
    guard source.utf8.count <= limits.maxSourceBytes else {
      throw TemplateError(
        .limit,
        "a chat template of \(source.utf8.count) bytes is longer than the \(limits.maxSourceBytes) allowed")
    }
    tokens = try TemplateLexer.tokens(of: source)
    maxNesting = limits.maxNesting
  }

  mutating func parse() throws(TemplateError) -> [TemplateStatement] { try statements(until: []) }

  // MARK: Tokens

  var current: TemplateToken { tokens[index] }

  var following: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }

  @discardableResult
  mutating func advance() -> TemplateToken {
    let token = tokens[index]
    if index < tokens.count - 1 { index += 1 }
    return token
  }

  mutating func skip(symbol: StaticString) -> Bool {
    guard current.isSymbol(symbol) else { return false }
    advance()
    return true
  }

  mutating func skip(name: StaticString) -> Bool {
    guard current.isName(name) else { return false }
    advance()
    return true
  }

  mutating func expect(symbol: StaticString) throws(TemplateError) {
    guard skip(symbol: symbol) else { throw unexpected("'\(symbol)'") }
  }

  mutating func expect(name: StaticString) throws(TemplateError) {
    guard skip(name: name) else { throw unexpected("'\(name)'") }
  }

  mutating func expect(_ kind: TemplateToken.Kind, _ wanted: String) throws(TemplateError) -> TemplateToken {
    guard current.kind == kind else { throw unexpected(wanted) }
    return advance()
  }

  func unexpected(_ wanted: String) -> TemplateError {
    TemplateError(.syntax, "expected \(wanted), got \(current.described)", line: current.line)
  }

  // MARK: Nesting

  mutating func enter() throws(TemplateError) {
    nesting += 1
    guard nesting <= maxNesting else {
      throw TemplateError(.limit, "nested deeper than the \(maxNesting) levels allowed", line: current.line)
    }
  }

  mutating func leave() { nesting -= 1 }

  /// Notes that an expression was made of parts of these depths.
  mutating func join(_ depths: Int...) throws(TemplateError) {
    expressionDepth = (depths.max() ?? 0) + 1
    guard expressionDepth <= maxExpressionDepth else {
      throw TemplateError(
        .limit, "an expression of more than \(maxExpressionDepth) levels", line: current.line)
    }
  }

  // MARK: Blocks

  /// Statements up to a block that starts with one of `ends`; that block's name is then the current token.
  mutating func statements(until ends: [StaticString]) throws(TemplateError) -> [TemplateStatement] {
    try enter()
    defer { leave() }
    var result: [TemplateStatement] = []
    while true {
      let token = current
      switch token.kind {
      case .data:
        advance()
        result.append(.text(TemplateText(token.text)))
      case .variableBegin:
        advance()
        result.append(.output(try tuple(), line: token.line))
        _ = try expect(.variableEnd, "'}}'")
      case .blockBegin:
        advance()
        if ends.contains(where: { current.isName($0) }) { return result }
        result += try statement()
        _ = try expect(.blockEnd, "'%}'")
      default:
        guard ends.isEmpty, token.kind == .end else { throw unclosed(ends) }
        return result
      }
    }
  }

  /// The body of a block: from the end of its opening tag to one of `ends`, whose name is then the current token.
  mutating func body(of tag: String, until ends: [StaticString]) throws(TemplateError) -> TemplateBody {
    _ = skip(symbol: ":")
    _ = try expect(.blockEnd, "'%}'")
    openTags.append((tag, ends))
    defer { openTags.removeLast() }
    return TemplateBody(statements: try statements(until: ends))
  }

  private func unclosed(_ ends: [StaticString]) -> TemplateError {
    let names = ends.map { "'\($0)'" }.joined(separator: " or ")
    return TemplateError(
      .syntax, "the template ends where \(names) is expected to close '\(openTags.last?.name ?? "")'",
      line: current.line)
  }

  func unknownTag(_ token: TemplateToken) -> TemplateError {
    var message = "unknown tag '\(token.text)'"
    if let open = openTags.last {
      message +=
        "; \(open.ends.map { "'\($0)'" }.joined(separator: " or ")) is expected to close '\(open.name)'"
    }
    return TemplateError(.syntax, message, line: token.line)
  }
}
