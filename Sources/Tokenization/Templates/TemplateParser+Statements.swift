extension TemplateParser {
  /// One statement, from its name up to the end of its last tag.
  mutating func statement() throws(TemplateError) -> [TemplateStatement] {
    let token = current
    guard token.kind == .name else { throw unexpected("the name of a tag") }
    switch token.text {
    case "set": return [try setStatement()]
    case "if": return [try ifStatement()]
    case "for": return [try forStatement()]
    case "macro": return [try macroStatement()]
    case "call": return [try callStatement()]
    case "filter": return [try filterStatement()]
    case "with": return [try withStatement()]
    case "generation": return [try generationStatement()]
    case "print": return try printStatement()
    case "break": return [.breakLoop(line: advance().line)]
    case "continue": return [.continueLoop(line: advance().line)]
    case "include", "import", "from", "extends":
      return [refusedStatement("'\(token.text)' needs other templates, which a chat template does not have")]
    case "block", "autoescape":
      throw TemplateError(
        .syntax, "the tag '\(token.text)' is not accepted in a chat template", line: token.line)
    default: throw unknownTag(token)
    }
  }

  private mutating func refusedStatement(_ message: String) -> TemplateStatement {
    let line = current.line
    while current.kind != .blockEnd, current.kind != .end { advance() }
    return .refused(message, line: line)
  }

  private mutating func setStatement() throws(TemplateError) -> TemplateStatement {
    let line = advance().line
    let target = try target(withMembers: true)
    if skip(symbol: "=") { return .assign(target, try tuple(), line: line) }
    let filter = current.isSymbol("|") ? try filters(on: .captured) : nil
    let body = try body(of: "set", until: ["endset"])
    advance()
    return .assignBlock(target, filter: filter, body, line: line)
  }

  private mutating func ifStatement() throws(TemplateError) -> TemplateStatement {
    let line = advance().line
    var branches: [(test: TemplateExpression, body: TemplateBody)] = []
    var otherwise = TemplateBody()
    while true {
      let test = try tuple(withConditional: false)
      branches.append((test, try body(of: "if", until: ["elif", "else", "endif"])))
      let end = advance()
      if end.isName("elif") { continue }
      if end.isName("else") {
        otherwise = try body(of: "if", until: ["endif"])
        advance()
      }
      return .condition(branches, otherwise: otherwise, line: line)
    }
  }

  private mutating func forStatement() throws(TemplateError) -> TemplateStatement {
    let line = advance().line
    let target = try target(endingAt: "in")
    try expect(name: "in")
    let iterable = try tuple(withConditional: false, endingAt: "recursive")
    var filter: LoopFilter?
    if skip(name: "if") { filter = LoopFilter(target: target, condition: try expression()) }
    let isRecursive = skip(name: "recursive")
    let body = try body(of: "for", until: ["endfor", "else"])
    var otherwise = TemplateBody()
    if advance().isName("else") {
      otherwise = try self.body(of: "for", until: ["endfor"])
      advance()
    }
    return .loop(
      LoopStatement(
        target: target, iterable: iterable, filter: filter, isRecursive: isRecursive, body: body,
        otherwise: otherwise, line: line))
  }

  private mutating func macroStatement() throws(TemplateError) -> TemplateStatement {
    let line = advance().line
    let name = try expect(.name, "the name of the macro")
    var function = try signature(line: line)
    function.name = name.text
    function.body = try body(of: "macro", until: ["endmacro"])
    advance()
    return .macro(.name(name.text, line: line), function, line: line)
  }

  private mutating func callStatement() throws(TemplateError) -> TemplateStatement {
    let line = advance().line
    var function =
      current.isSymbol("(")
      ? try signature(line: line)
      : FunctionBody(parameters: [], defaults: [], body: TemplateBody(), line: line)
    let call = try expression()
    guard case .call = call else { throw TemplateError(.syntax, "expected a call after 'call'", line: line) }
    function.body = try body(of: "call", until: ["endcall"])
    advance()
    return .callBlock(call: call, function, line: line)
  }

  /// The parameters of a macro or call block, in parentheses.
  private mutating func signature(line: Int) throws(TemplateError) -> FunctionBody {
    var parameters: [String] = []
    var defaults: [TemplateExpression] = []
    try expect(symbol: "(")
    while !current.isSymbol(")") {
      if !parameters.isEmpty { try expect(symbol: ",") }
      let name = try expect(.name, "the name of a parameter")
      if skip(symbol: "=") {
        defaults.append(try expression())
      } else if !defaults.isEmpty {
        throw TemplateError(.syntax, "non-default argument follows default argument", line: name.line)
      }
      guard !parameters.contains(where: { TemplateText($0) == TemplateText(name.text) }) else {
        throw TemplateError(.syntax, "duplicate parameter '\(name.text)'", line: name.line)
      }
      parameters.append(name.text)
    }
    try expect(symbol: ")")
    return FunctionBody(parameters: parameters, defaults: defaults, body: TemplateBody(), line: line)
  }

  private mutating func filterStatement() throws(TemplateError) -> TemplateStatement {
    let line = advance().line
    let filter = try filters(on: .captured, startsWithName: true)
    let body = try body(of: "filter", until: ["endfilter"])
    advance()
    return .filterBlock(filter, body, line: line)
  }

  private mutating func withStatement() throws(TemplateError) -> TemplateStatement {
    let line = advance().line
    var bindings: [(target: TemplateTarget, value: TemplateExpression)] = []
    while current.kind != .blockEnd {
      if !bindings.isEmpty { try expect(symbol: ",") }
      let target = try target()
      try expect(symbol: "=")
      bindings.append((target, try expression()))
    }
    let body = try body(of: "with", until: ["endwith"])
    advance()
    return .with(bindings, body, line: line)
  }

  private mutating func generationStatement() throws(TemplateError) -> TemplateStatement {
    let line = advance().line
    let body = try body(of: "generation", until: ["endgeneration"])
    advance()
    return .generation(FunctionBody(parameters: [], defaults: [], body: body, line: line), line: line)
  }

  private mutating func printStatement() throws(TemplateError) -> [TemplateStatement] {
    let line = advance().line
    var result: [TemplateStatement] = []
    while current.kind != .blockEnd {
      if !result.isEmpty { try expect(symbol: ",") }
      result.append(.output(try expression(), line: line))
    }
    return result
  }

  /// What is assigned to: a name, a member of a namespace where allowed, or several with commas.
  private mutating func target(withMembers: Bool = false, endingAt end: StaticString? = nil)
    throws(TemplateError) -> TemplateTarget
  {
    var targets: [TemplateTarget] = []
    var isTuple = false
    while !atTupleEnd(end) {
      targets.append(try singleTarget(withMembers: withMembers))
      guard skip(symbol: ",") else { break }
      isTuple = true
    }
    guard let first = targets.first else { throw unexpected("a name to assign to") }
    return isTuple ? .tuple(targets) : first
  }

  private mutating func singleTarget(withMembers: Bool) throws(TemplateError) -> TemplateTarget {
    try enter()
    defer { leave() }
    let token = current
    if skip(symbol: "(") {
      let target = try target()
      try expect(symbol: ")")
      return target
    }
    guard token.kind == .name else {
      throw TemplateError(.syntax, "cannot assign to \(token.described)", line: token.line)
    }
    switch token.text {
    case "true", "false", "True", "False", "none", "None":
      throw TemplateError(.syntax, "cannot assign to the constant '\(token.text)'", line: token.line)
    default: advance()
    }
    if withMembers, skip(symbol: ".") {
      let member = try expect(.name, "the name of a member")
      return .member(.name(token.text, line: token.line), TemplateText(member.text))
    }
    return .name(token.text, line: token.line)
  }
}
