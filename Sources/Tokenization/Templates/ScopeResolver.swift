/// Gives every variable of a template its place, by Jinja's rules of scope.
///
/// A scope knows all names stored anywhere in it before it runs: a loop body that reads a name which its surroundings
/// set only later sees it as unset, not as a variable of the rendering. Branches of `if` share the scope around them;
/// loops, `with`, `filter` and block `set` open one inside the same function; macros and call blocks are functions,
/// which see the places of the functions around them as they are when called.
struct ScopeResolver {
  /// Places of one function.
  final class Function {
    let depth: Int
    private(set) var places: [String: Int] = [:]

    init(depth: Int) { self.depth = depth }

    /// Scopes at the same level take turns with the same place.
    func place(level: Int, name: String) -> Int {
      let key = "\(level) \(name)"
      if let place = places[key] { return place }
      places[key] = places.count
      return places.count - 1
    }
  }

  /// Where the pass is: which function, whether a loop can be left, whether unknown filters wait until reached.
  struct Position {
    var function: Function
    var symbols: ScopeSymbols
    var inLoop = false
    var isSoft = false

    /// A scope inside, in the same function or in a new one.
    func inner(function: Function? = nil) -> Position {
      let function = function ?? self.function
      return Position(
        function: function, symbols: ScopeSymbols(parent: symbols, function: function), inLoop: inLoop)
    }
  }

  /// Resolves a whole template; returns its body and how many places it needs.
  static func resolve(_ statements: [TemplateStatement]) throws(TemplateError) -> (TemplateBody, Int) {
    let function = Function(depth: 0)
    let position = Position(function: function, symbols: ScopeSymbols(parent: nil, function: function))
    for statement in statements { position.symbols.visit(statement) }
    let body = try ScopeResolver().body(statements, position)
    return (body, function.places.count)
  }

  private func body(_ statements: [TemplateStatement], _ position: Position) throws(TemplateError)
    -> TemplateBody
  {
    var result: [TemplateStatement] = []
    result.reserveCapacity(statements.count)
    for statement in statements { result.append(try resolve(statement, position)) }
    return TemplateBody(statements: result, scope: position.symbols.entry(in: position.function))
  }

  private func resolve(_ statement: TemplateStatement, _ at: Position) throws(TemplateError)
    -> TemplateStatement
  {
    switch statement {
    case .text, .refused: return statement
    case .breakLoop(let line), .continueLoop(let line):
      guard at.inLoop else {
        throw TemplateError(.syntax, "'break' or 'continue' outside of a loop", line: line)
      }
      return statement
    case .output(let value, let line): return .output(try resolve(value, at), line: line)
    case .assign(let target, let value, let line):
      return .assign(try resolve(target, at), try resolve(value, at), line: line)
    case .assignBlock(let target, let filter, let inner, let line):
      let scope = at.inner()
      for statement in inner.statements { scope.symbols.visit(statement) }
      if let filter { scope.symbols.visit(filter) }
      let body = try body(inner.statements, scope)
      let resolved = try resolveOptional(filter, scope)
      return .assignBlock(try resolve(target, at), filter: resolved, body, line: line)
    case .condition(let branches, let otherwise, let line):
      return try condition(branches, otherwise, line, at)
    case .loop(let loop): return .loop(try self.loop(loop, at))
    case .macro(let target, let function, let line):
      return .macro(try resolve(target, at), try self.function(function, at), line: line)
    case .callBlock(let call, let function, let line):
      return .callBlock(call: try resolve(call, at), try self.function(function, at), line: line)
    case .generation(let function, let line): return .generation(try self.function(function, at), line: line)
    case .filterBlock(let filter, let inner, let line):
      let scope = at.inner()
      for statement in inner.statements { scope.symbols.visit(statement) }
      scope.symbols.visit(filter)
      let body = try body(inner.statements, scope)
      return .filterBlock(try resolve(filter, scope), body, line: line)
    case .with(let bindings, let inner, let line):
      let scope = at.inner()
      for binding in bindings { scope.symbols.visit(binding.target, asParameter: true) }
      for statement in inner.statements { scope.symbols.visit(statement) }
      var resolved: [(target: TemplateTarget, value: TemplateExpression)] = []
      for binding in bindings {
        resolved.append((try resolve(binding.target, scope), try resolve(binding.value, at)))
      }
      return .with(resolved, try body(inner.statements, scope), line: line)
    }
  }

  private func condition(
    _ branches: [(test: TemplateExpression, body: TemplateBody)], _ otherwise: TemplateBody, _ line: Int,
    _ at: Position
  ) throws(TemplateError) -> TemplateStatement {
    var soft = at
    soft.isSoft = true
    var resolved: [(test: TemplateExpression, body: TemplateBody)] = []
    for branch in branches {
      resolved.append((try resolve(branch.test, soft), try sharedBody(branch.body, soft)))
    }
    return .condition(resolved, otherwise: try sharedBody(otherwise, soft), line: line)
  }

  /// A body in the scope around it.
  private func sharedBody(_ body: TemplateBody, _ at: Position) throws(TemplateError) -> TemplateBody {
    var result = try self.body(body.statements, at)
    result.scope = ScopeEntry()
    return result
  }

  private func loop(_ loop: LoopStatement, _ at: Position) throws(TemplateError) -> LoopStatement {
    var walker = LoopNameFinder()
    for statement in loop.body.statements + loop.otherwise.statements { walker.visit(statement) }
    walker.visit(store: loop.target)
    guard !walker.storesLoop else {
      throw TemplateError(.syntax, "can't assign to special loop variable 'loop'", line: loop.line)
    }
    var result = loop
    result.iterable = try resolve(loop.iterable, at)
    if let filter = loop.filter { result.filter = try self.filter(filter, at) }
    let function = loop.isRecursive ? Function(depth: at.function.depth + 1) : nil
    var scope = at.inner(function: function)
    scope.inLoop = true
    if loop.isRecursive || UndeclaredNames.find(["loop"], in: loop.body.statements).contains("loop") {
      result.loopPlace = scope.symbols.declareParameter("loop").place
    }
    scope.symbols.visit(loop.target, asParameter: true)
    for statement in loop.body.statements { scope.symbols.visit(statement) }
    result.target = try resolve(loop.target, scope)
    result.body = try body(loop.body.statements, scope)
    var otherwise = at.inner(function: function)
    otherwise.inLoop = at.inLoop && !loop.isRecursive
    for statement in loop.otherwise.statements { otherwise.symbols.visit(statement) }
    result.otherwise = try body(loop.otherwise.statements, otherwise)
    result.placeCount = function?.places.count ?? 0
    return result
  }

  private func filter(_ filter: LoopFilter, _ at: Position) throws(TemplateError) -> LoopFilter {
    let function = Function(depth: at.function.depth + 1)
    let scope = at.inner(function: function)
    scope.symbols.visit(filter.target, asParameter: true)
    scope.symbols.visit(filter.condition)
    var result = filter
    result.target = try resolve(filter.target, scope)
    result.condition = try resolve(filter.condition, scope)
    result.scope = scope.symbols.entry(in: function)
    result.placeCount = function.places.count
    return result
  }

  private func function(_ body: FunctionBody, _ at: Position) throws(TemplateError) -> FunctionBody {
    let function = Function(depth: at.function.depth + 1)
    var scope = at.inner(function: function)
    scope.inLoop = false
    let special = UndeclaredNames.find(["caller", "kwargs", "varargs"], in: body.body.statements)
    var result = body
    result.parameterPlaces = body.parameters.map { scope.symbols.declareParameter($0).place }
    if special.contains("caller") {
      if let index = body.parameters.firstIndex(of: "caller") {
        guard index >= body.parameters.count - body.defaults.count else {
          throw TemplateError(
            .syntax, "the special 'caller' parameter must be omitted or be given a default", line: body.line)
        }
      } else {
        result.callerPlace = scope.symbols.declareParameter("caller").place
      }
    }
    if special.contains("kwargs"), !body.parameters.contains("kwargs") {
      result.keywordsPlace = scope.symbols.declareParameter("kwargs").place
    }
    if special.contains("varargs"), !body.parameters.contains("varargs") {
      result.positionalsPlace = scope.symbols.declareParameter("varargs").place
    }
    for value in body.defaults { scope.symbols.visit(value) }
    for statement in body.body.statements { scope.symbols.visit(statement) }
    result.defaults = []
    for value in body.defaults { result.defaults.append(try resolve(value, scope)) }
    result.body = try self.body(body.body.statements, scope)
    result.placeCount = function.places.count
    return result
  }
}
