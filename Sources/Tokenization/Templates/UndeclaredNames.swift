/// Which of some names a body reads before it stores them, blocks inside it included.
struct UndeclaredNames {
  private var names: Set<String>
  private var found: Set<String> = []

  static func find(_ names: Set<String>, in statements: [TemplateStatement]) -> Set<String> {
    var finder = UndeclaredNames(names: names)
    for statement in statements { finder.visit(statement) }
    return finder.found
  }

  private init(names: Set<String>) { self.names = names }

  private mutating func visit(_ expression: TemplateExpression) {
    var read: [String] = []
    expression.visitNames { read.append($0) }
    for name in read where names.contains(name) { found.insert(name) }
  }

  private mutating func visit(_ target: TemplateTarget) {
    switch target {
    case .name(let name, _): names.remove(name)
    case .local, .member: break
    case .tuple(let targets): for target in targets { visit(target) }
    }
  }

  private mutating func visit(_ body: TemplateBody) { for statement in body.statements { visit(statement) } }

  private mutating func visit(_ function: FunctionBody) {
    for parameter in function.parameters { names.remove(parameter) }
    for value in function.defaults { visit(value) }
    visit(function.body)
  }

  private mutating func visit(_ statement: TemplateStatement) {
    switch statement {
    case .text, .breakLoop, .continueLoop, .refused: break
    case .output(let value, _): visit(value)
    case .assign(let target, let value, _):
      visit(target)
      visit(value)
    case .assignBlock(let target, let filter, let body, _):
      visit(target)
      if let filter { visit(filter) }
      visit(body)
    case .condition(let branches, let otherwise, _):
      for branch in branches {
        visit(branch.test)
        visit(branch.body)
      }
      visit(otherwise)
    case .loop(let loop):
      visit(loop.target)
      visit(loop.iterable)
      visit(loop.body)
      visit(loop.otherwise)
      if let filter = loop.filter { visit(filter.condition) }
    case .macro(_, let function, _): visit(function)
    case .callBlock(let call, let function, _):
      visit(call)
      visit(function)
    case .generation(let function, _): visit(function)
    case .filterBlock(let filter, let body, _):
      visit(body)
      visit(filter)
    case .with(let bindings, let body, _):
      for binding in bindings { visit(binding.target) }
      for binding in bindings { visit(binding.value) }
      visit(body)
    }
  }
}

/// Whether a loop stores the name `loop` anywhere inside it, which would hide the loop's own variable.
struct LoopNameFinder {
  private(set) var storesLoop = false

  mutating func visit(store target: TemplateTarget) {
    switch target {
    case .name(let name, _): if TemplateText(name) == "loop" { storesLoop = true }
    case .local, .member: break
    case .tuple(let targets): for target in targets { visit(store: target) }
    }
  }

  mutating func visit(_ statement: TemplateStatement) {
    switch statement {
    case .text, .output, .breakLoop, .continueLoop, .refused: break
    case .assign(let target, _, _): visit(store: target)
    case .assignBlock(let target, _, let body, _):
      visit(store: target)
      visit(body)
    case .condition(let branches, let otherwise, _):
      for branch in branches { visit(branch.body) }
      visit(otherwise)
    case .loop(let loop):
      visit(store: loop.target)
      visit(loop.body)
      visit(loop.otherwise)
    case .macro(_, let function, _), .callBlock(_, let function, _), .generation(let function, _):
      visit(function.body)
    case .filterBlock(_, let body, _), .with(_, let body, _): visit(body)
    }
  }

  private mutating func visit(_ body: TemplateBody) { for statement in body.statements { visit(statement) } }
}
