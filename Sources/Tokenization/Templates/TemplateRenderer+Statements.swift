extension TemplateRenderer {
  /// How a statement ended.
  enum Flow { case normal, leaveLoop, nextItem }

  func run(_ body: TemplateBody) throws(TemplateError) -> Flow {
    try open(body.scope)
    let flow = try run(body.statements)
    close(body.scope)
    return flow
  }

  func run(_ statements: [TemplateStatement]) throws(TemplateError) -> Flow {
    for statement in statements {
      let flow = try run(statement)
      if flow != .normal { return flow }
    }
    return .normal
  }

  func open(_ scope: ScopeEntry) throws(TemplateError) {
    for (place, load) in scope.loads {
      switch load {
      case .context(let name): frame.places[place] = contextValue(name)
      case .alias(let outer): frame.places[place] = frame.frame(outwards: outer.hops).places[outer.index]
      case .unset: frame.places[place] = nil
      }
    }
  }

  func close(_ scope: ScopeEntry) { for place in scope.places { frame.places[place] = nil } }

  private func contextValue(_ name: String) -> TemplateValue? {
    context[TemplateText(name)] ?? GlobalFunction(rawValue: name).map { .function($0) }
  }

  private func run(_ statement: TemplateStatement) throws(TemplateError) -> Flow {
    try step()
    switch statement {
    case .text(let text): try write(text)
    case .output(let expression, let line):
      self.line = line
      let value = try evaluate(expression)
      if case .text(let text) = value { try write(text) } else { try write(try text(value)) }
    case .assign(let target, let expression, let line):
      self.line = line
      try checkMembers(target)
      try assign(try evaluate(expression), to: target)
    case .condition(let branches, let otherwise, let line):
      self.line = line
      for branch in branches where try evaluate(branch.test).isTrue { return try run(branch.body.statements) }
      return try run(otherwise.statements)
    case .loop(let loop): return try run(loop)
    case .breakLoop: return .leaveLoop
    case .continueLoop: return .nextItem
    case .macro(let target, let function, let line):
      self.line = line
      try share(frame)
      try assign(.macro(TemplateMacro(function, in: frame)), to: target)
    case .refused(let message, let line):
      self.line = line
      throw TemplateError(.value, message)
    case .assignBlock, .callBlock, .generation, .filterBlock, .with: return try runBlock(statement)
    }
    return .normal
  }

  private func runBlock(_ statement: TemplateStatement) throws(TemplateError) -> Flow {
    try enter()
    defer { depth -= 1 }
    switch statement {
    case .assignBlock(let target, let filter, let body, let line):
      try checkMembers(target)
      let (flow, value) = try captured(body, filter)
      self.line = line
      if flow == .normal { try assign(value, to: target) }
      return flow
    case .filterBlock(let filter, let body, let line):
      let (flow, value) = try captured(body, filter)
      self.line = line
      if flow == .normal { try write(try string(value)) }
      return flow
    case .callBlock(let call, let function, let line):
      self.line = line
      try share(frame)
      let caller = TemplateValue.macro(TemplateMacro(function, in: frame))
      guard case .call(let callee, let arguments, _) = call else { return .normal }
      let function = try evaluate(callee)
      var values = try evaluate(arguments)
      values.keywords.append(("caller", caller))
      try write(try string(try self.call(function, values)))
    case .generation(let function, let line):
      self.line = line
      try write(try call(TemplateMacro(function, in: frame), CallArguments()))
    case .with(let bindings, let body, let line):
      self.line = line
      try open(body.scope)
      for binding in bindings { try assign(try evaluate(binding.value), to: binding.target) }
      let flow = try run(body.statements)
      close(body.scope)
      return flow
    default: break
    }
    return .normal
  }

  /// What a block writes must be a string already.
  private func string(_ value: TemplateValue) throws(TemplateError) -> TemplateText {
    guard case .text(let text) = value else {
      throw TemplateError(
        .value, "a block makes a value of type '\(value.typeName)' where a string is needed")
    }
    return text
  }

  /// What a body writes, after its filter.
  private func captured(_ body: TemplateBody, _ filter: TemplateExpression?) throws(TemplateError)
    -> (Flow, TemplateValue)
  {
    var flow = Flow.normal
    try open(body.scope)
    let text = try capture { () throws(TemplateError) in flow = try run(body.statements) }
    var value = TemplateValue.text(text)
    if let filter, flow == .normal {
      captured.append(text)
      defer { captured.removeLast() }
      value = try evaluate(filter)
    }
    close(body.scope)
    return (flow, value)
  }

  // MARK: Assignment

  /// Members may only be set on namespaces; known before the value is computed.
  private func checkMembers(_ target: TemplateTarget) throws(TemplateError) {
    switch target {
    case .name, .local: break
    case .member(let owner, _):
      guard case .namespace = try evaluate(owner) else {
        throw TemplateError(.value, "cannot assign attribute on non-namespace object")
      }
    case .tuple(let targets): for target in targets { try checkMembers(target) }
    }
  }

  func assign(_ value: TemplateValue, to target: TemplateTarget) throws(TemplateError) {
    switch target {
    case .name: break
    case .local(let place): frame.frame(outwards: place.hops).places[place.index] = value
    case .member(let owner, let name):
      guard case .namespace(let namespace) = try evaluate(owner) else { return }
      try set(name, of: namespace, to: value)
    case .tuple(let targets):
      let items = try self.items(of: value)
      guard items.count >= targets.count else {
        throw TemplateError(
          .value, "not enough values to unpack (expected \(targets.count), got \(items.count))")
      }
      guard items.count == targets.count else {
        throw TemplateError(.value, "too many values to unpack (expected \(targets.count))")
      }
      for (target, item) in zip(targets, items) { try assign(item, to: target) }
    }
  }

  func set(_ name: TemplateText, of namespace: TemplateNamespace, to value: TemplateValue)
    throws(TemplateError)
  {
    guard name.utf8.first != UInt8(ascii: "_") else {
      throw TemplateError(
        .security, "a namespace cannot have a member whose name starts with an underscore: \(name.pythonRepr)"
      )
    }
    try allocate(bytes: 64)
    namespace[name] = value
  }
}
