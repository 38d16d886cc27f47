extension TemplateRenderer {
  func evaluate(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
    try enter()
    defer { depth -= 1 }
    try step()
    switch expression {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .float(let value): return .float(value)
    case .text(let text): return .text(text)
    case .name(let name, _): return UndefinedValue.variable(name)
    case .local(let place):
      return frame.frame(outwards: place.hops).places[place.index] ?? UndefinedValue.variable(place.name)
    case .captured: return .text(captured.last ?? .empty)
    case .and(let left, let right):
      let value = try evaluate(left)
      return value.isTrue ? try evaluate(right) : value
    case .or(let left, let right):
      let value = try evaluate(left)
      return value.isTrue ? value : try evaluate(right)
    case .conditional(let test, let value, let otherwise):
      if try evaluate(test).isTrue { return try evaluate(value) }
      guard let otherwise else {
        return UndefinedValue.hint(
          "the inline if-expression evaluated to false and no else section was defined.")
      }
      return try evaluate(otherwise)
    case .list, .tuple, .dict, .concatenation: return try evaluateCollection(expression)
    case .unary, .binary, .comparison: return try evaluateOperation(expression)
    default: return try evaluateAccess(expression)
    }
  }

  private func evaluateCollection(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
    switch expression {
    case .list(let items): return try list(try evaluate(items))
    case .tuple(let items): return .tuple(try sequence(try evaluate(items)))
    case .dict(let members):
      var builder = TemplateMappingBuilder()
      for member in members {
        let key = try evaluate(member.key)
        try builder.set(key, try evaluate(member.value))
      }
      return try dict(builder)
    case .concatenation(let items):
      var bytes: [UInt8] = []
      for value in try evaluate(items) { bytes += try text(value).utf8 }
      try allocate(bytes: bytes.count)
      return .text(TemplateText(utf8: bytes))
    default: return .null
    }
  }

  private func evaluateOperation(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
    switch expression {
    case .unary(let unary, let operand): return try apply(unary, try evaluate(operand))
    case .binary(let binary, let left, let right, let line):
      let first = try evaluate(left)
      let second = try evaluate(right)
      self.line = line
      return try apply(binary, first, second)
    case .comparison(let first, let rest, let line):
      var left = try evaluate(first)
      var result = TemplateValue.bool(true)
      for (comparison, operand) in rest {
        let right = try evaluate(operand)
        self.line = line
        result = .bool(try compare(comparison, left, right))
        if !result.isTrue { break }
        left = right
      }
      return result
    default: return .null
    }
  }

  private func evaluateAccess(_ expression: TemplateExpression) throws(TemplateError) -> TemplateValue {
    switch expression {
    case .attribute(let owner, let name, let line):
      let value = try evaluate(owner)
      self.line = line
      return try member(name, of: value)
    case .item(let owner, let key, let line):
      let value = try evaluate(owner)
      let index = try evaluate(key)
      self.line = line
      return try item(index, of: value)
    case .slice(let owner, let slice, let line):
      let value = try evaluate(owner)
      let bounds = [
        try evaluateOptional(slice.start), try evaluateOptional(slice.stop), try evaluateOptional(slice.step),
      ]
      self.line = line
      return try self.slice(value, start: bounds[0], stop: bounds[1], step: bounds[2])
    case .call(let callee, let arguments, let line): return try evaluateCall(callee, arguments, line: line)
    case .filter(let value, let name, let arguments, let line):
      let value = try evaluate(value)
      let arguments = try evaluate(arguments)
      self.line = line
      return try filter(name, value, arguments)
    case .test(let value, let name, let arguments, let line):
      let value = try evaluate(value)
      let arguments = try evaluate(arguments)
      self.line = line
      return .bool(try test(name, value, arguments))
    default: return .null
    }
  }

  private func evaluateCall(_ callee: TemplateExpression, _ arguments: TemplateArguments, line: Int)
    throws(TemplateError) -> TemplateValue
  {
    // WHY: a call of a method needs no value for the method itself.
    if case .attribute(let owner, let name, _) = callee {
      let receiver = try evaluate(owner)
      self.line = line
      let name = name.string
      if TemplateMethods.has(name, receiver), !TemplateMethods.isUnsafe(name, receiver) {
        let values = try evaluate(arguments)
        self.line = line
        return try callMethod(name, of: receiver, values)
      }
      let function = try member(TemplateText(name), of: receiver)
      let values = try evaluate(arguments)
      self.line = line
      return try call(function, values)
    }
    let function = try evaluate(callee)
    let values = try evaluate(arguments)
    self.line = line
    return try call(function, values)
  }

  private func evaluate(_ items: [TemplateExpression]) throws(TemplateError) -> [TemplateValue] {
    var values: [TemplateValue] = []
    values.reserveCapacity(items.count)
    for item in items { values.append(try evaluate(item)) }
    return values
  }

  private func evaluateOptional(_ expression: TemplateExpression?) throws(TemplateError) -> TemplateValue {
    guard let expression else { return .null }
    return try evaluate(expression)
  }

  func evaluate(_ arguments: TemplateArguments) throws(TemplateError) -> CallArguments {
    var result = CallArguments(positional: try evaluate(arguments.positional))
    for keyword in arguments.keywords { result.keywords.append((keyword.name, try evaluate(keyword.value))) }
    if let spread = arguments.spread { result.positional += try items(of: try evaluate(spread)) }
    if let spread = arguments.keywordSpread {
      guard case .dict(let mapping) = try evaluate(spread) else {
        throw TemplateError(.value, "the argument after ** must be a mapping")
      }
      for (key, value) in zip(mapping.keys, mapping.values) {
        guard case .text(let name) = key else { throw TemplateError(.value, "keywords must be strings") }
        guard !result.keywords.contains(where: { TemplateText($0.name) == name }) else {
          throw TemplateError(.value, "got multiple values for keyword argument \(name.pythonRepr)")
        }
        result.keywords.append((name.string, value))
      }
    }
    return result
  }
}
