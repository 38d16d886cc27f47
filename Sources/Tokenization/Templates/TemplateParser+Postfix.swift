/// What follows a value: attributes, items, calls, filters and tests.
extension TemplateParser {
  mutating func postfix(_ start: TemplateExpression) throws(TemplateError) -> TemplateExpression {
    var node = start
    while current.kind == .symbol {
      let depth = expressionDepth
      let line = current.line
      if skip(symbol: ".") {
        let member = advance()
        switch member.kind {
        case .name: node = .attribute(node, TemplateText(member.text), line: line)
        case .integer where Int(member.text) != nil:
          node = .item(node, .int(Int(member.text) ?? 0), line: line)
        default: throw TemplateError(.syntax, "expected name or number after '.'", line: member.line)
        }
        try join(depth)
      } else if skip(symbol: "[") {
        node = try itemOrSlice(node, line: line)
        try join(depth, expressionDepth)
      } else if current.isSymbol("(") {
        node = .call(node, try arguments(), line: line)
        try join(depth, expressionDepth)
      } else {
        break
      }
    }
    return node
  }

  private mutating func itemOrSlice(_ node: TemplateExpression, line: Int) throws(TemplateError)
    -> TemplateExpression
  {
    var parts: [TemplateExpression] = []
    var deepest = 0
    while !current.isSymbol("]") {
      if !parts.isEmpty { try expect(symbol: ",") }
      var slice = TemplateSlice()
      if !current.isSymbol(":") {
        let first = try expression()
        deepest = max(deepest, expressionDepth)
        guard current.isSymbol(":") else {
          parts.append(first)
          continue
        }
        slice.start = first
      }
      advance()
      if !current.isSymbol("]"), !current.isSymbol(","), !current.isSymbol(":") {
        slice.stop = try expression()
        deepest = max(deepest, expressionDepth)
      }
      if skip(symbol: ":"), !current.isSymbol("]"), !current.isSymbol(",") {
        slice.step = try expression()
        deepest = max(deepest, expressionDepth)
      }
      guard parts.isEmpty, skip(symbol: "]") else { throw unexpected("']' after a slice") }
      expressionDepth = deepest
      return .slice(node, slice, line: line)
    }
    try expect(symbol: "]")
    expressionDepth = deepest
    return .item(node, parts.count == 1 ? parts[0] : .tuple(parts), line: line)
  }

  /// Filters, tests and calls, in any order, as they bind after the operand of a unary sign.
  mutating func filtersAndTests(on start: TemplateExpression) throws(TemplateError) -> TemplateExpression {
    var node = start
    while true {
      let depth = expressionDepth
      if current.isSymbol("|") {
        node = try filters(on: node)
      } else if current.isName("is") {
        node = try test(on: node)
      } else if current.isSymbol("(") {
        let line = current.line
        node = .call(node, try arguments(), line: line)
        try join(depth, expressionDepth)
      } else {
        return node
      }
    }
  }

  /// One or more filters; `startsWithName` for the filter block, whose first has no `|`.
  mutating func filters(on start: TemplateExpression, startsWithName: Bool = false) throws(TemplateError)
    -> TemplateExpression
  {
    var node = start
    var isFirst = startsWithName
    while isFirst || current.isSymbol("|") {
      let depth = expressionDepth
      if !isFirst { advance() }
      isFirst = false
      let line = current.line
      let name = try dottedName("the name of a filter")
      let arguments = current.isSymbol("(") ? try arguments() : TemplateArguments()
      node = .filter(node, name, arguments, line: line)
      try join(depth, expressionDepth)
    }
    return node
  }

  private mutating func dottedName(_ wanted: String) throws(TemplateError) -> String {
    var name = try expect(.name, wanted).text
    while skip(symbol: ".") { name += "." + (try expect(.name, wanted).text) }
    return name
  }

  private mutating func test(on node: TemplateExpression) throws(TemplateError) -> TemplateExpression {
    let depth = expressionDepth
    let line = advance().line
    let isNegated = skip(name: "not")
    let name = try dottedName("the name of a test")
    var arguments = TemplateArguments()
    if current.isSymbol("(") {
      arguments = try self.arguments()
    } else if startsTestArgument {
      if current.isName("is") {
        throw TemplateError(.syntax, "tests with 'is' cannot be chained", line: current.line)
      }
      arguments.positional = [try postfix(try primary())]
    }
    try join(depth, expressionDepth)
    let test = TemplateExpression.test(node, name, arguments, line: line)
    return isNegated ? .unary(.not, test) : test
  }

  private var startsTestArgument: Bool {
    switch current.kind {
    case .name: !current.isName("else") && !current.isName("or") && !current.isName("and")
    case .string, .integer, .float: true
    case .symbol: current.isSymbol("[") || current.isSymbol("{")
    default: false
    }
  }

  /// The arguments of a call, in parentheses.
  mutating func arguments() throws(TemplateError) -> TemplateArguments {
    let line = current.line
    try expect(symbol: "(")
    var arguments = TemplateArguments()
    var deepest = 0
    var isFirst = true
    func refuse() -> TemplateError {
      TemplateError(.syntax, "invalid syntax for function call expression", line: line)
    }
    while !current.isSymbol(")") {
      if !isFirst {
        try expect(symbol: ",")
        if current.isSymbol(")") { break }
      }
      isFirst = false
      if skip(symbol: "*") {
        guard arguments.spread == nil, arguments.keywordSpread == nil else { throw refuse() }
        arguments.spread = try expression()
      } else if skip(symbol: "**") {
        guard arguments.keywordSpread == nil else { throw refuse() }
        arguments.keywordSpread = try expression()
      } else if current.kind == .name, following.isSymbol("=") {
        guard arguments.keywordSpread == nil else { throw refuse() }
        let name = advance()
        advance()
        guard !arguments.keywords.contains(where: { TemplateText($0.name) == TemplateText(name.text) }) else {
          throw TemplateError(.syntax, "keyword argument repeated: \(name.text)", line: name.line)
        }
        arguments.keywords.append((name.text, try expression()))
      } else {
        guard arguments.spread == nil, arguments.keywordSpread == nil, arguments.keywords.isEmpty else {
          throw refuse()
        }
        arguments.positional.append(try expression())
      }
      deepest = max(deepest, expressionDepth)
    }
    try expect(symbol: ")")
    expressionDepth = deepest
    return arguments
  }
}
