/// The names of one scope: which it stores, which it only reads, and where the value comes from when it is entered.
final class ScopeSymbols {
  struct Reference {
    let function: ScopeResolver.Function
    let place: Int
  }

  private enum Load {
    case parameter
    case context(String)
    case alias(Reference)
    case unset
  }

  private let parent: ScopeSymbols?
  private let function: ScopeResolver.Function
  private let level: Int
  private var references: [String: Reference] = [:]
  private var order: [String] = []
  private var loads: [String: Load] = [:]
  private var stores: Set<String> = []

  init(parent: ScopeSymbols?, function: ScopeResolver.Function) {
    self.parent = parent
    self.function = function
    level = (parent?.level ?? -1) + 1
  }

  private func copy() -> ScopeSymbols {
    let result = ScopeSymbols(parent: parent, function: function)
    result.references = references
    result.order = order
    result.loads = loads
    result.stores = stores
    return result
  }

  private func find(_ name: String) -> Reference? { references[name] ?? parent?.find(name) }

  @discardableResult
  private func define(_ name: String, _ load: Load) -> Reference {
    let reference = Reference(function: function, place: function.place(level: level, name: name))
    references[name] = reference
    if loads[name] == nil { order.append(name) }
    loads[name] = load
    return reference
  }

  func declareParameter(_ name: String) -> Reference {
    stores.insert(name)
    return define(name, .parameter)
  }

  private func store(_ name: String) {
    stores.insert(name)
    guard references[name] == nil else { return }
    if let outer = parent?.find(name) {
      define(name, .alias(outer))
    } else {
      define(name, .unset)
    }
  }

  private func load(_ name: String) {
    if find(name) == nil { define(name, .context(name)) }
  }

  /// Takes over what the branches of an `if` know; a name stored in some branch keeps its outer value in the others.
  private func merge(_ branches: [ScopeSymbols]) {
    var stored: Set<String> = []
    for branch in branches { stored.formUnion(branch.stores) }
    stored.subtract(stores)
    for branch in branches {
      references.merge(branch.references) { $1 }
      for name in branch.order where loads[name] == nil { order.append(name) }
      loads.merge(branch.loads) { $1 }
      stores.formUnion(branch.stores)
    }
    for name in stored {
      if let outer = parent?.find(name) { loads[name] = .alias(outer) } else { loads[name] = .context(name) }
    }
  }

  /// Where a variable is, seen from `function`.
  func place(of name: String, from function: ScopeResolver.Function) -> VariablePlace {
    load(name)
    let reference = find(name) ?? define(name, .context(name))
    return VariablePlace(hops: function.depth - reference.function.depth, index: reference.place, name: name)
  }

  func entry(in function: ScopeResolver.Function) -> ScopeEntry {
    var entry = ScopeEntry()
    for name in order {
      guard let reference = references[name], let load = loads[name] else { continue }
      entry.places.append(reference.place)
      switch load {
      case .parameter: break
      case .context(let name): entry.loads.append((reference.place, .context(name)))
      case .unset: entry.loads.append((reference.place, .unset))
      case .alias(let outer):
        let place = VariablePlace(hops: function.depth - outer.function.depth, index: outer.place, name: name)
        entry.loads.append((reference.place, .alias(place)))
      }
    }
    return entry
  }
}

extension ScopeSymbols {
  func visit(_ statement: TemplateStatement) {
    switch statement {
    case .text, .breakLoop, .continueLoop, .refused, .generation: break
    case .output(let value, _): visit(value)
    case .assign(let target, let value, _):
      visit(value)
      visit(target)
    case .assignBlock(let target, _, _, _): visit(target)
    case .condition(let branches, let otherwise, _): visit(branches, otherwise)
    case .loop(let loop): visit(loop.iterable)
    case .macro(let target, _, _): visit(target)
    case .callBlock(let call, _, _): visit(call)
    case .filterBlock(let filter, _, _): visit(filter)
    case .with(let bindings, _, _): for binding in bindings { visit(binding.value) }
    }
  }

  private func visit(_ branches: [(test: TemplateExpression, body: TemplateBody)], _ otherwise: TemplateBody)
  {
    visit(branches[0].test)
    let first = copy()
    for statement in branches[0].body.statements { first.visit(statement) }
    // WHY: all the `elif` share one copy, each being an `if` of its own there.
    let others = copy()
    for branch in branches.dropFirst() { others.visit([branch], TemplateBody()) }
    let last = copy()
    for statement in otherwise.statements { last.visit(statement) }
    merge([first, others, last])
  }

  func visit(_ target: TemplateTarget, asParameter: Bool = false) {
    switch target {
    case .name(let name, _): if asParameter { _ = declareParameter(name) } else { store(name) }
    case .local: break
    case .member(let owner, _): visit(owner)
    case .tuple(let targets): for target in targets { visit(target, asParameter: asParameter) }
    }
  }

  func visit(_ expression: TemplateExpression) { expression.visitNames { load($0) } }
}

extension TemplateExpression {
  /// Calls `body` with every variable that is read, in the order of the text.
  func visitNames(_ body: (String) -> Void) {
    switch self {
    case .null, .bool, .int, .float, .text, .local, .captured: break
    case .name(let name, _): body(name)
    case .list(let items), .tuple(let items), .concatenation(let items):
      for item in items { item.visitNames(body) }
    case .dict(let members):
      for member in members {
        member.key.visitNames(body)
        member.value.visitNames(body)
      }
    case .attribute(let owner, _, _): owner.visitNames(body)
    case .item(let owner, let key, _):
      owner.visitNames(body)
      key.visitNames(body)
    case .slice(let owner, let slice, _):
      owner.visitNames(body)
      for part in [slice.start, slice.stop, slice.step] { part?.visitNames(body) }
    case .call(let value, let arguments, _), .filter(let value, _, let arguments, _),
      .test(let value, _, let arguments, _):
      value.visitNames(body)
      for argument in arguments.positional { argument.visitNames(body) }
      for keyword in arguments.keywords { keyword.value.visitNames(body) }
      arguments.spread?.visitNames(body)
      arguments.keywordSpread?.visitNames(body)
    case .unary(_, let operand): operand.visitNames(body)
    case .binary(_, let left, let right, _), .and(let left, let right), .or(let left, let right):
      left.visitNames(body)
      right.visitNames(body)
    case .comparison(let first, let rest, _):
      first.visitNames(body)
      for (_, operand) in rest { operand.visitNames(body) }
    case .conditional(let test, let value, let otherwise):
      test.visitNames(body)
      value.visitNames(body)
      otherwise?.visitNames(body)
    }
  }
}
