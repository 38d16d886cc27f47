extension ScopeResolver {
  func resolve(_ target: TemplateTarget, _ at: Position) throws(TemplateError) -> TemplateTarget {
    switch target {
    case .local: return target
    case .name(let name, _): return .local(at.symbols.place(of: name, from: at.function))
    case .member(let owner, let name): return .member(try resolve(owner, at), name)
    case .tuple(let targets):
      var resolved: [TemplateTarget] = []
      for target in targets { resolved.append(try resolve(target, at)) }
      return .tuple(resolved)
    }
  }

  func resolveOptional(_ expression: TemplateExpression?, _ at: Position) throws(TemplateError)
    -> TemplateExpression?
  {
    guard let expression else { return nil }
    return try resolve(expression, at)
  }

  func resolve(_ expression: TemplateExpression, _ at: Position) throws(TemplateError) -> TemplateExpression {
    switch expression {
    case .null, .bool, .int, .float, .text, .local, .captured: return expression
    case .name(let name, _): return .local(at.symbols.place(of: name, from: at.function))
    case .list(let items): return .list(try resolve(items, at))
    case .tuple(let items): return .tuple(try resolve(items, at))
    case .concatenation(let items): return .concatenation(try resolve(items, at))
    case .dict(let members):
      var resolved: [(key: TemplateExpression, value: TemplateExpression)] = []
      for member in members { resolved.append((try resolve(member.key, at), try resolve(member.value, at))) }
      return .dict(resolved)
    case .attribute(let owner, let name, let line):
      return .attribute(try resolve(owner, at), name, line: line)
    case .item(let owner, let key, let line):
      return .item(try resolve(owner, at), try resolve(key, at), line: line)
    case .slice(let owner, let slice, let line):
      let resolved = TemplateSlice(
        start: try resolveOptional(slice.start, at), stop: try resolveOptional(slice.stop, at),
        step: try resolveOptional(slice.step, at))
      return .slice(try resolve(owner, at), resolved, line: line)
    case .call(let function, let arguments, let line):
      return .call(try resolve(function, at), try resolve(arguments, at), line: line)
    case .filter(let value, let name, let arguments, let line):
      guard at.isSoft || TemplateFilters.all[name] != nil else {
        throw TemplateError(.syntax, "No filter named '\(name)'.", line: line)
      }
      return .filter(try resolve(value, at), name, try resolve(arguments, at), line: line)
    case .test(let value, let name, let arguments, let line):
      guard at.isSoft || TemplateTests.all[name] != nil else {
        throw TemplateError(.syntax, "No test named '\(name)'.", line: line)
      }
      return .test(try resolve(value, at), name, try resolve(arguments, at), line: line)
    case .unary(let unary, let operand): return .unary(unary, try resolve(operand, at))
    case .binary(let binary, let left, let right, let line):
      return .binary(binary, try resolve(left, at), try resolve(right, at), line: line)
    case .and(let left, let right): return .and(try resolve(left, at), try resolve(right, at))
    case .or(let left, let right): return .or(try resolve(left, at), try resolve(right, at))
    case .comparison(let first, let rest, let line):
      var resolved: [(ComparisonOperator, TemplateExpression)] = []
      for (comparison, operand) in rest { resolved.append((comparison, try resolve(operand, at))) }
      return .comparison(try resolve(first, at), resolved, line: line)
    case .conditional(let test, let value, let otherwise):
      var soft = at
      soft.isSoft = true
      return .conditional(
        test: try resolve(test, soft), try resolve(value, soft),
        otherwise: try resolveOptional(otherwise, soft))
    }
  }

  private func resolve(_ items: [TemplateExpression], _ at: Position) throws(TemplateError)
    -> [TemplateExpression]
  {
    var result: [TemplateExpression] = []
    result.reserveCapacity(items.count)
    for item in items { result.append(try resolve(item, at)) }
    return result
  }

  private func resolve(_ arguments: TemplateArguments, _ at: Position) throws(TemplateError)
    -> TemplateArguments
  {
    var result = TemplateArguments(positional: try resolve(arguments.positional, at))
    for keyword in arguments.keywords {
      result.keywords.append((keyword.name, try resolve(keyword.value, at)))
    }
    result.spread = try resolveOptional(arguments.spread, at)
    result.keywordSpread = try resolveOptional(arguments.keywordSpread, at)
    return result
  }
}
