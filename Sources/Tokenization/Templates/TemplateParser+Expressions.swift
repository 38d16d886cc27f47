extension TemplateParser {
  /// An expression, or several with commas, which make a tuple.
  mutating func tuple(
    withConditional: Bool = true, endingAt end: StaticString? = nil, inParentheses: Bool = false
  ) throws(TemplateError) -> TemplateExpression {
    var items: [TemplateExpression] = []
    var deepest = 0
    var isTuple = false
    while !atTupleEnd(end) {
      items.append(try expression(withConditional: withConditional))
      deepest = max(deepest, expressionDepth)
      guard skip(symbol: ",") else { break }
      isTuple = true
    }
    if !isTuple {
      if let first = items.first { return first }
      guard inParentheses else { throw unexpected("an expression") }
    }
    try join(deepest)
    return .tuple(items)
  }

  func atTupleEnd(_ end: StaticString?) -> Bool {
    switch current.kind {
    case .variableEnd, .blockEnd: true
    case .symbol: current.isSymbol(")")
    case .name: end.map { current.isName($0) } ?? false
    default: false
    }
  }

  mutating func expression(withConditional: Bool = true) throws(TemplateError) -> TemplateExpression {
    try enter()
    defer { leave() }
    var result = try disjunction()
    var depth = expressionDepth
    while withConditional, skip(name: "if") {
      let test = try disjunction()
      depth = max(depth, expressionDepth)
      var otherwise: TemplateExpression?
      if skip(name: "else") {
        otherwise = try expression()
        depth = max(depth, expressionDepth)
      }
      try join(depth)
      depth = expressionDepth
      result = .conditional(test: test, result, otherwise: otherwise)
    }
    expressionDepth = depth
    return result
  }

  private mutating func disjunction() throws(TemplateError) -> TemplateExpression {
    var left = try conjunction()
    while true {
      let depth = expressionDepth
      guard skip(name: "or") else { return left }
      left = .or(left, try conjunction())
      try join(depth, expressionDepth)
    }
  }

  private mutating func conjunction() throws(TemplateError) -> TemplateExpression {
    var left = try negation()
    while true {
      let depth = expressionDepth
      guard skip(name: "and") else { return left }
      left = .and(left, try negation())
      try join(depth, expressionDepth)
    }
  }

  private mutating func negation() throws(TemplateError) -> TemplateExpression {
    guard current.isName("not") else { return try comparison() }
    try enter()
    defer { leave() }
    advance()
    let operand = try negation()
    try join(expressionDepth)
    return .unary(.not, operand)
  }

  private mutating func comparison() throws(TemplateError) -> TemplateExpression {
    let line = current.line
    let first = try sum()
    var depth = expressionDepth
    var rest: [(ComparisonOperator, TemplateExpression)] = []
    while let comparison = nextComparison() {
      rest.append((comparison, try sum()))
      depth = max(depth, expressionDepth)
    }
    if rest.isEmpty { return first }
    try join(depth)
    return .comparison(first, rest, line: line)
  }

  private mutating func nextComparison() -> ComparisonOperator? {
    if current.kind == .symbol, let comparison = ComparisonOperator(rawValue: current.text) {
      advance()
      return comparison
    }
    if skip(name: "in") { return .contained }
    guard current.isName("not"), following.isName("in") else { return nil }
    advance()
    advance()
    return .notContained
  }

  private mutating func sum() throws(TemplateError) -> TemplateExpression {
    var left = try concatenation()
    while current.isSymbol("+") || current.isSymbol("-") {
      let depth = expressionDepth
      let token = advance()
      let right = try concatenation()
      left = .binary(token.isSymbol("+") ? .add : .subtract, left, right, line: token.line)
      try join(depth, expressionDepth)
    }
    return left
  }

  private mutating func concatenation() throws(TemplateError) -> TemplateExpression {
    var parts = [try product()]
    var depth = expressionDepth
    while skip(symbol: "~") {
      parts.append(try product())
      depth = max(depth, expressionDepth)
    }
    if parts.count == 1 { return parts[0] }
    try join(depth)
    return .concatenation(parts)
  }

  private mutating func product() throws(TemplateError) -> TemplateExpression {
    var left = try power()
    while current.kind == .symbol, let binary = BinaryOperator(rawValue: current.text),
      [.multiply, .divide, .floorDivide, .modulo].contains(binary)
    {
      let depth = expressionDepth
      let line = advance().line
      left = .binary(binary, left, try power(), line: line)
      try join(depth, expressionDepth)
    }
    return left
  }

  private mutating func power() throws(TemplateError) -> TemplateExpression {
    var left = try unary()
    while current.isSymbol("**") {
      let depth = expressionDepth
      let line = advance().line
      left = .binary(.power, left, try unary(), line: line)
      try join(depth, expressionDepth)
    }
    return left
  }

  private mutating func unary(withFilters: Bool = true) throws(TemplateError) -> TemplateExpression {
    var node: TemplateExpression
    if current.isSymbol("-") || current.isSymbol("+") {
      try enter()
      defer { leave() }
      let sign = advance()
      node = .unary(sign.isSymbol("-") ? .negate : .plus, try unary(withFilters: false))
      try join(expressionDepth)
    } else {
      node = try primary()
    }
    node = try postfix(node)
    return withFilters ? try filtersAndTests(on: node) : node
  }

  mutating func primary() throws(TemplateError) -> TemplateExpression {
    let token = current
    expressionDepth = 1
    switch token.kind {
    case .name:
      advance()
      switch token.text {
      case "true", "True": return .bool(true)
      case "false", "False": return .bool(false)
      case "none", "None": return .null
      default: return .name(token.text, line: token.line)
      }
    case .string:
      var text = ""
      while current.kind == .string { text += advance().text }
      return .text(TemplateText(text))
    case .integer:
      advance()
      return .int(try integer(token))
    case .float:
      advance()
      return .float(Double(token.text) ?? 0)
    case .symbol where token.isSymbol("("):
      advance()
      let inner = try tuple(inParentheses: true)
      try expect(symbol: ")")
      return inner
    case .symbol where token.isSymbol("["): return try listLiteral()
    case .symbol where token.isSymbol("{"): return try dictLiteral()
    default: throw TemplateError(.syntax, "expected an expression, got \(token.described)", line: token.line)
    }
  }

  private func integer(_ token: TemplateToken) throws(TemplateError) -> Int {
    let digits = Array(token.text.utf8)
    let value: Int?
    if digits.count > 2, digits[0] == 0x30, digits[1] > 0x39 {
      let radix = [UInt8(ascii: "b"): 2, UInt8(ascii: "o"): 8, UInt8(ascii: "x"): 16][digits[1] | 0x20] ?? 10
      value = Int(String(decoding: digits[2...], as: UTF8.self), radix: radix)
    } else {
      value = Int(token.text)
    }
    guard let value else {
      throw TemplateError(.syntax, "the integer \(token.text) does not fit 64 bits", line: token.line)
    }
    return value
  }

  private mutating func listLiteral() throws(TemplateError) -> TemplateExpression {
    advance()
    var items: [TemplateExpression] = []
    var depth = 0
    while !current.isSymbol("]") {
      if !items.isEmpty {
        try expect(symbol: ",")
        if current.isSymbol("]") { break }
      }
      items.append(try expression())
      depth = max(depth, expressionDepth)
    }
    try expect(symbol: "]")
    try join(depth)
    return .list(items)
  }

  private mutating func dictLiteral() throws(TemplateError) -> TemplateExpression {
    advance()
    var items: [(key: TemplateExpression, value: TemplateExpression)] = []
    var depth = 0
    while !current.isSymbol("}") {
      if !items.isEmpty {
        try expect(symbol: ",")
        if current.isSymbol("}") { break }
      }
      let key = try expression()
      depth = max(depth, expressionDepth)
      try expect(symbol: ":")
      items.append((key, try expression()))
      depth = max(depth, expressionDepth)
    }
    try expect(symbol: "}")
    try join(depth)
    return .dict(items)
  }
}
