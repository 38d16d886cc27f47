extension TemplateRenderer {
  func compare(_ comparison: ComparisonOperator, _ left: TemplateValue, _ right: TemplateValue)
    throws(TemplateError) -> Bool
  {
    switch comparison {
    case .equal: return try equal(left, right)
    case .notEqual: return try !equal(left, right)
    case .contained: return try contains(right, left)
    case .notContained: return try !contains(right, left)
    case .less: return try isLess(left, right, "<")
    case .greater: return try isLess(right, left, ">", swapped: true)
    case .lessOrEqual: return try isAtMost(left, right, "<=")
    case .greaterOrEqual: return try isAtMost(right, left, ">=", swapped: true)
    }
  }

  func equal(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) -> Bool {
    try step()
    switch (left, right) {
    case (.text(let a), .text(let b)): return a == b
    case (.int(let a), .int(let b)): return a == b
    case (.null, .null), (.undefined, .undefined): return true
    case (.int, .bool), (.bool, .int), (.bool, .bool): return left.integer == right.integer
    case (.int, .float), (.float, .int), (.float, .bool), (.bool, .float), (.float, .float):
      return left.number == right.number
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): return try equal(a.items, b.items)
    case (.dict(let a), .dict(let b)): return try equal(a, b)
    case (.range(let a), .range(let b)):
      return a.count == b.count && (a.count == 0 || a.start == b.start && (a.count == 1 || a.step == b.step))
    case (.view(let a), .view(let b)) where a.part != .values && b.part != .values:
      guard a.mapping.count == b.mapping.count else { return false }
      for item in a.items where try !contains(right, item) { return false }
      return true
    case (.function(let a), .function(let b)): return a == b
    default: return isSame(left, right)
    }
  }

  /// Whether two values are one object.
  func isSame(_ left: TemplateValue, _ right: TemplateValue) -> Bool {
    switch (left, right) {
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): a === b
    case (.dict(let a), .dict(let b)): a === b
    case (.iterator(let a), .iterator(let b)): a === b
    case (.namespace(let a), .namespace(let b)): a === b
    case (.macro(let a), .macro(let b)): a === b
    case (.loop(let a), .loop(let b)): a === b
    case (.cycler(let a), .cycler(let b)): a === b
    case (.joiner(let a), .joiner(let b)): a === b
    case (.method(let a), .method(let b)): a === b
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.float(let a), .float(let b)): a == b
    case (.text(let a), .text(let b)): a == b
    case (.null, .null): true
    case (.function(let a), .function(let b)): a == b
    default: false
    }
  }

  private func equal(_ left: [TemplateValue], _ right: [TemplateValue]) throws(TemplateError) -> Bool {
    guard left.count == right.count else { return false }
    for (a, b) in zip(left, right) where try !equal(a, b) { return false }
    return true
  }

  private func equal(_ left: TemplateMapping, _ right: TemplateMapping) throws(TemplateError) -> Bool {
    guard left.count == right.count else { return false }
    for (key, value) in zip(left.keys, left.values) {
      guard let other = right[try MappingKey(key)], try equal(value, other) else { return false }
    }
    return true
  }

  /// `left < right`; an error for values without an order.
  func isLess(_ left: TemplateValue, _ right: TemplateValue, _ sign: String = "<", swapped: Bool = false)
    throws(TemplateError) -> Bool
  {
    try step()
    switch (left, right) {
    case (.text(let a), .text(let b)): return a < b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a.items, b.items) where try !equal(x, y) {
        return try isLess(x, y, sign, swapped: swapped)
      }
      return a.items.count < b.items.count
    default:
      if let a = left.integer, let b = right.integer { return a < b }
      if let a = left.number, let b = right.number { return a < b }
      throw unordered(left, right, sign, swapped)
    }
  }

  private func isAtMost(_ left: TemplateValue, _ right: TemplateValue, _ sign: String, swapped: Bool = false)
    throws(TemplateError) -> Bool
  {
    switch (left, right) {
    case (.text(let a), .text(let b)): return !(b < a)
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a.items, b.items) where try !equal(x, y) {
        return try isAtMost(x, y, sign, swapped: swapped)
      }
      return a.items.count <= b.items.count
    default:
      if let a = left.integer, let b = right.integer { return a <= b }
      if let a = left.number, let b = right.number { return a <= b }
      throw unordered(left, right, sign, swapped)
    }
  }

  private func unordered(_ left: TemplateValue, _ right: TemplateValue, _ sign: String, _ swapped: Bool)
    -> TemplateError
  {
    for value in [left, right] { if case .undefined(let undefined) = value { return undefined.error } }
    let (first, second) = swapped ? (right, left) : (left, right)
    return TemplateError(
      .value, "'\(sign)' not supported between instances of '\(first.typeName)' and '\(second.typeName)'")
  }

  /// `item in container`.
  func contains(_ container: TemplateValue, _ item: TemplateValue) throws(TemplateError) -> Bool {
    switch container {
    case .text(let text):
      guard case .text(let part) = item else {
        throw TemplateError(.value, "'in <string>' requires string as left operand, not \(item.typeName)")
      }
      try step(text.utf8.count >> 6)
      return text.contains(part)
    case .dict(let mapping): return mapping[try MappingKey(item)] != nil
    case .view(let view) where view.part == .keys: return view.mapping[try MappingKey(item)] != nil
    case .null, .bool, .int, .float, .namespace, .macro, .cycler, .joiner, .function, .method, .loop:
      throw TemplateError(.value, "argument of type '\(container.typeName)' is not iterable")
    default:
      for candidate in try items(of: container) {
        if isSame(candidate, item) { return true }
        if try equal(candidate, item) { return true }
      }
      return false
    }
  }
}
